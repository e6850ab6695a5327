"""The documents: blocks of commands that are run, a picture, a notebook, pages of commands, a site.

Nothing here is installed; `make docs` and the tests use it.
"""
