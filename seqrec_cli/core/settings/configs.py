"""The experiment files that come with seqrec: found by name, from any folder.

They are in `configs/` of the repository; the wheel carries the same files as `seqrec_cli/configs`.
"""

from pathlib import Path

from seqrec_cli.core.settings.yaml import nearest
from seqrec_cli.core.storage import foreign
from seqrec_cli.errors import ConfigError

PACKAGE = Path(__file__).parents[2]


def folder() -> Path:
    """Where the files are: in the package if it was installed, else beside it in the checkout."""
    installed = PACKAGE / "configs"
    return installed if installed.is_dir() else PACKAGE.parent / "configs"


def shipped_configs() -> list[str]:
    """The names of the experiment files that come with seqrec."""
    return sorted(path.stem for path in folder().glob("*.yaml"))


def find_config(name: str) -> Path:
    """The experiment file that a user calls `name`: a path, or the name of one of ours.

    `configs/NAME.yaml` means ours too where there is no such file, as documents spell it so.

    Raises:
        ConfigError: there is neither.
    """
    path = Path(name)
    if path.is_file():
        return path
    stem = name.removeprefix("configs/").removesuffix(".yaml")
    if name in (stem, f"{stem}.yaml", f"configs/{stem}.yaml") and stem in shipped_configs():
        return folder() / f"{stem}.yaml"
    if path.exists() or path.parent != Path() or path.suffix:
        return path  # whoever reads it says what is wrong with it
    raise ConfigError(
        f"there is no config `{name}`, and no file of that name", nearest(name, shipped_configs())
    )


def describe(name: str) -> str:
    """What a config is for: the first sentence of the comment that it begins with."""
    words: list[str] = []
    for line in text_of(name).splitlines():
        text = line.removeprefix("#").strip()
        if not line.startswith("#") or not text:
            break
        words.append(text)
    sentence, end, _ = " ".join(words).partition(". ")
    return sentence if end else sentence.removesuffix(".")


def text_of(name: str) -> str:
    """The content of one of our experiment files.

    Raises:
        ConfigError: there is none of that name.
    """
    stem = name.removeprefix("configs/").removesuffix(".yaml")
    if stem not in shipped_configs():
        raise ConfigError(f"there is no config `{name}`", nearest(stem, shipped_configs()))
    return foreign.read_text(folder() / f"{stem}.yaml", follow=True)
