"""seqrec: train, honestly evaluate and use sequential recommenders.

From a notebook, `import seqrec_cli as seqrec`:

    data = seqrec.prepare("ml-100k")
    run = seqrec.train("demo", data="ml-100k")
    print(seqrec.evaluate(run).figures)
    print(seqrec.recommend(run, users=[42], k=10))

These functions are described in `seqrec_cli.api`; they, and torch, are imported when first used.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from seqrec_cli.api import evaluate, load_dataset, load_run, prepare, recommend, train

__all__ = [
    "__version__",
    "evaluate",
    "load_dataset",
    "load_run",
    "prepare",
    "recommend",
    "train",
]


def __getattr__(name: str) -> Any:
    if name.startswith("_") or name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from seqrec_cli import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return [*__all__]
