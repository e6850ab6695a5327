"""What the dataset of a run was made of, and what has changed since."""

from typing import Any

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.ranking.dataset import RankingDataset

PLURAL = ("users", "items", "interactions", "filters")


def dataset_facts(data: SequenceDataset | RankingDataset) -> dict[str, Any]:
    """What a dataset was made of and how, to say later what has changed."""
    manifest, source = data.manifest, data.manifest.get("source")
    source = source if isinstance(source, dict) else {}
    split = manifest.get("split")
    return {
        "users": data.num_users,
        "items": data.num_items,
        "interactions": manifest.get("interactions", manifest.get("rows")),
        "source": source.get("path"),
        "checksum of the source": str(source.get("sha256", ""))[:12] or None,
        "filters": manifest.get("filters"),
        "split": split.get("kind") if isinstance(split, dict) else None,
        "seqrec": manifest.get("seqrec_version"),
    }


def dataset_differences(
    manifest: dict[str, Any], data: SequenceDataset | RankingDataset
) -> list[str]:
    """What differs between the dataset of a run, by the run's manifest, and `data`; in words."""
    noted = manifest.get("dataset")
    before = noted if isinstance(noted, dict) else {k: manifest.get(k) for k in ("users", "items")}
    return [
        f"{key} was {fact_in_words(before[key])} and is {fact_in_words(value)}"
        if key not in PLURAL
        else f"{key} were {fact_in_words(before[key])} and are {fact_in_words(value)}"
        for key, value in dataset_facts(data).items()
        if before.get(key) is not None and before[key] != value
    ]


def fact_in_words(value: Any) -> str:
    """A value of a manifest in words."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {inner}" for key, inner in value.items())
    return f"{value:,}" if isinstance(value, int) else f"`{value}`"
