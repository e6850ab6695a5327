"""`python -m seqrec_cli` is `seqrec`."""

from seqrec_cli.app import main

if __name__ == "__main__":
    main()
