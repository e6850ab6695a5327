"""What `seqrec evaluate` does with its figures beside printing them: keep, remember, check."""

from typing import TYPE_CHECKING, Any

from seqrec_cli import console
from seqrec_cli.errors import ResultError, SeqRecError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from seqrec_cli.commands.evaluate_options import EvaluateOptions
    from seqrec_cli.core.evaluation.report import EvaluationProtocol, Report
    from seqrec_cli.core.evaluation.summary import Figure
    from seqrec_cli.core.runs.comparing import Compared
    from seqrec_cli.core.runs.run import Run


def known_baselines(
    compared: "Compared", protocol: "EvaluationProtocol", options: "EvaluateOptions"
) -> "dict[str, dict[str, Figure]]":
    """The figures of the baselines as an earlier evaluation found them; empty if they are to be
    computed, or are not wanted."""
    from seqrec_cli.core.evaluation.remembered import remembered

    if not options.baselines or options.per_user is not None:
        return {}
    return remembered(compared.data_path, compared.dataset.sha256, protocol) or {}


def stages_of(report: "Report", options: "EvaluateOptions") -> dict[str, Any]:
    """What was done beside scoring: an index, a second stage, and what they find."""
    stages: dict[str, Any] = {}
    if report.recalls:
        stages |= {"index": options.index, "recall": dict(report.recalls)}
    if report.reach:
        stages |= {
            "rerank": options.rerank,
            "candidates": options.candidates,
            "retrieval_weight": options.retrieval_weight,
            "reach": dict(report.reach),
        }
    return stages


def keep_results(
    plain: "Mapping[str, Any]",
    stages: "Mapping[str, Any]",
    runs: "Mapping[str, Run]",
    tracks: "Mapping[str, str] | None" = None,
) -> None:
    """Keep the figures of each run in it, for `seqrec leaderboard`."""
    from seqrec_cli.core.runs.results import add_result, entries_of

    folders = {name: run.path for name, run in runs.items()}
    for folder, entry in entries_of(plain, stages, folders, tracks):
        try:
            add_result(folder, entry)
        except SeqRecError as error:
            console.warn(f"these figures are not kept: {error.message}")


def check_thresholds(
    figures: "Mapping[str, Mapping[str, Figure]]",
    runs: "Sequence[str] | Mapping[str, Run]",
    options: "EvaluateOptions",
) -> None:
    """Fail where a run does not reach what was asked for."""
    from seqrec_cli.core.evaluation.thresholds import missed, parse_threshold

    thresholds = [parse_threshold(text) for text in options.fail_under or ()]
    if found := missed(figures, list(runs), thresholds):
        raise ResultError("; ".join(found), "look at the training, or lower --fail-under")
