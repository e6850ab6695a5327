"""The site: pages of the repository, of the commands and of the code, built by Zensical.

Everything is put together in `build/docs`; nothing generated is kept in the repository. A link or
an anchor that leads nowhere is an error.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

from docsite import commands, notebook

ROOT = Path(__file__).parent.parent
STAGE = ROOT / "build" / "docs"
SITE = ROOT / "build" / "site"
CONFIG = ROOT / "zensical.toml"
TOP = ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")  # pages beside the README
LINK = re.compile(r"(\]\(|src=\")(?!https?:|#|mailto:)([^)\"#\s]+)")


def stage(target: Path = STAGE) -> Path:
    """Put the pages together in a folder, which is emptied first."""
    shutil.rmtree(target, ignore_errors=True)
    (target / "commands").mkdir(parents=True)
    for path in (ROOT / "docs").iterdir():
        if path.suffix in (".md", ".svg"):
            text = path.read_text()
            (target / path.name).write_text(from_docs(text) if path.suffix == ".md" else text)
    for name in TOP:
        (target / name.lower()).write_text(from_top((ROOT / name).read_text()))
    (target / "index.md").write_text(from_top((ROOT / "README.md").read_text()))
    for name in commands.names():
        (target / "commands" / f"{name}.md").write_text(commands.page(name))
    (target / "commands" / "index.md").write_text(commands.index())
    (target / "tutorial.md").write_text(notebook.as_markdown(notebook.read()))
    for path in (notebook.TUTORIAL, ROOT / "CITATION.cff", ROOT / "LICENSE"):
        shutil.copy(path, target)
    return target


def from_top(text: str) -> str:
    """A page of the top folder, with links as the site needs them."""

    def moved(match: re.Match[str]) -> str:
        name = match[2].removeprefix("docs/")
        return match[1] + {"README.md": "index.md"}.get(name, known(name))

    return LINK.sub(moved, text)


def from_docs(text: str) -> str:
    """A page of docs/, with links as the site needs them."""

    def moved(match: re.Match[str]) -> str:
        name = match[2].removeprefix("../")
        return match[1] + {"README.md": "index.md"}.get(name, known(name))

    return LINK.sub(moved, text)


def known(name: str) -> str:
    """Where a page of the repository is in the site."""
    if name == "tutorial.ipynb":
        return "tutorial.md"
    return name.lower() if name in TOP else name


def build() -> int:
    """Build the site in `build/site`; the exit code."""
    stage()
    shutil.rmtree(SITE, ignore_errors=True)
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", str(CONFIG)]
    if code := subprocess.run(command, cwd=ROOT, check=False).returncode:
        return code
    broken = sorted(broken_links(SITE))
    for page, link in broken:
        sys.stderr.write(f"{page}: `{link}` leads nowhere\n")
    return bool(broken)


def broken_links(folder: Path) -> Iterator[tuple[str, str]]:
    """Links and pictures of built pages that lead to no file; Zensical looks at pages alone."""
    for page in folder.rglob("*.html"):
        if page.name == "404.html":  # it is served at any depth
            continue
        for link in set(re.findall(r'(?:href|src)="?([^"\s>]+)', page.read_text())):
            path = unquote(urlsplit(unescape(link)).path)
            if not path or re.match(r"[a-z]+:|//", link):
                continue
            target = folder / path.lstrip("/") if path.startswith("/") else page.parent / path
            if not (target / "index.html" if target.is_dir() else target).is_file():
                yield page.relative_to(folder).as_posix(), link
