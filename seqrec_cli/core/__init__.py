"""The library under the commands: it computes, and never prints nor reads arguments."""
