"""The service over HTTP; all that is not HTTP stands in core/."""
