"""seqrec: learn what a person does next."""

__version__ = "0.1.0"
