"""python -m docsite: build the site, or bring the outputs in the documents up to date."""

import sys
import tempfile
from pathlib import Path

from docsite import blocks, notebook, picture, running, site


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


if __name__ == "__main__":
    actions = {"site": site.build, "refresh": refresh}
    if len(sys.argv) != 2 or sys.argv[1] not in actions:
        sys.exit(f"usage: python -m docsite {'|'.join(actions)}")
    sys.exit(actions[sys.argv[1]]())
