"""What differs between the dataset of a run and another, in words."""

from dataclasses import replace

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.runs.provenance import dataset_differences, dataset_facts

MANIFEST = {
    "interactions": 2900,
    "filters": {"min_user_count": 5},
    "source": {"path": "log.csv", "sha256": "0123456789abcdef"},
    "split": {"kind": "leave-one-out"},
}


def test_the_same_dataset_has_no_differences(cycle: SequenceDataset) -> None:
    data = replace(cycle, manifest=MANIFEST)
    facts = dataset_facts(data)
    assert (facts["users"], facts["items"]) == (200, 50)
    assert facts["checksum of the source"] == "0123456789ab"
    assert dataset_differences({"dataset": facts}, data) == []


def test_each_difference_is_a_clause(cycle: SequenceDataset) -> None:
    before = {"dataset": dataset_facts(replace(cycle, manifest=MANIFEST))}
    changed = MANIFEST | {
        "interactions": 3000,
        "filters": {"min_user_count": 3},
        "split": {"kind": "time"},
    }
    assert dataset_differences(before, replace(cycle, manifest=changed)) == [
        "interactions were 2,900 and are 3,000",
        "filters were min_user_count 5 and are min_user_count 3",
        "split was `leave-one-out` and is `time`",
    ]


def test_a_run_of_an_earlier_version_kept_users_and_items_alone(cycle: SequenceDataset) -> None:
    assert dataset_differences({"users": 200, "items": 49}, cycle) == ["items were 49 and are 50"]
    assert dataset_differences({}, cycle) == []
