"""python -m docsite: build the site, bring the outputs in the documents up to date, or write the
files that their commands read."""

import sys
import tempfile
from pathlib import Path

from docsite import blocks, notebook, picture, running, shop, site


def refresh() -> int:
    """Run every block, the notebook and the picture again, and write what comes out."""
    for page in blocks.pages():
        found = list(blocks.blocks_of(page))
        if all(block.shown for block in found):
            continue
        with tempfile.TemporaryDirectory() as folder:
            page.write_text(running.with_outputs(page, found, running.Sandbox(Path(folder))))
    with tempfile.TemporaryDirectory() as folder:
        text = notebook.with_outputs(notebook.read(), Path(folder))
    notebook.TUTORIAL.write_text(text)
    picture.PICTURE.write_text(picture.drawn())
    return 0


def write_files(folder: str) -> int:
    """Write the files of the made-up shop into a folder, which may be new."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    shop.write_files(Path(folder))
    return 0


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["site"]:
            sys.exit(site.build())
        case ["refresh"]:
            sys.exit(refresh())
        case ["files", folder]:
            sys.exit(write_files(folder))
    sys.exit("usage: python -m docsite site|refresh|files FOLDER")
