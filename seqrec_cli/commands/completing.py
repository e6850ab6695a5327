"""What the shell completes: names of configs, runs and datasets, and keys of settings.

Each function gets what was typed so far. None imports torch: the shell waits for it at each Tab.
"""

from pathlib import Path

DATA = Path("data")


def config_names(incomplete: str) -> list[str]:
    """Our configs."""
    from seqrec_cli.core.settings.configs import shipped_configs

    return starting(shipped_configs(), incomplete)


def run_names(incomplete: str) -> list[str]:
    """The runs under runs/."""
    from seqrec_cli.core.runs.directory import LATEST, known_runs

    return starting([LATEST, *known_runs()], incomplete)


def dataset_names(incomplete: str) -> list[str]:
    """The datasets under data/."""
    from seqrec_cli.core.data.store import known_datasets

    return starting(known_datasets(DATA), incomplete)


def source_names(incomplete: str) -> list[str]:
    """The public datasets that `prepare` knows by name."""
    from seqrec_cli.core.data.public import CATALOGUE

    return starting(["demo", *CATALOGUE], incomplete)


def setting_keys(incomplete: str) -> list[str]:
    """KEY= for each setting of an experiment."""
    from seqrec_cli.core.settings.keys import all_setting_keys

    return (
        [] if "=" in incomplete else starting([f"{key}=" for key in all_setting_keys()], incomplete)
    )


def starting(names: list[str], incomplete: str) -> list[str]:
    """The names that begin with what was typed."""
    return [name for name in names if name.startswith(incomplete)]
