"""`python -m seqrec_cli` is `seqrec`."""

from seqrec_cli import interrupts


def main() -> None:
    """Run the command line; signals are taken care of before anything large is imported."""
    with interrupts.handled():
        from seqrec_cli.app import run_app as run

        run()


if __name__ == "__main__":
    main()
