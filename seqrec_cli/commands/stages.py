"""The stages of a recommendation: rules, finding candidates, ordering them by a second run."""

from typing import TYPE_CHECKING, Any, Literal

from seqrec_cli import console
from seqrec_cli.wording import verb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seqrec_cli.core.data.dataset import SequenceDataset
    from seqrec_cli.core.data.sequences import Sequences
    from seqrec_cli.core.evaluation.report import EvaluationProtocol
    from seqrec_cli.core.inference.names import Catalogue
    from seqrec_cli.core.inference.reranking import Reranker
    from seqrec_cli.core.inference.retrieval import Finder, Retriever
    from seqrec_cli.core.inference.rules import Rules
    from seqrec_cli.core.inference.scoring import Scorer, Seen
    from seqrec_cli.core.runs.comparing import Compared
    from seqrec_cli.core.runs.ruling import Ruled
    from seqrec_cli.core.runs.run import Run

WANTED_RECALL = 0.95


def open_reranker(
    name: str,
    finder: "Retriever | None",
    scorer: "Scorer",
    catalogue: "Catalogue",
    candidates: int,
    dataset: "SequenceDataset | None",
    before: Literal["end", "valid", "test"],
    retrieval_weight: float,
    rules: "Rules | None" = None,
) -> "Reranker":
    """What orders the finds of a retrieval model by the ranking run called `name`."""
    from seqrec_cli.core.runs import loading
    from seqrec_cli.core.runs.directory import find_run
    from seqrec_cli.core.runs.run import Run

    run = Run.open(find_run(name))
    reranker = loading.make_reranker(
        run, finder, scorer, catalogue, candidates, dataset, before, retrieval_weight, rules
    )
    console.warn_all(run.notes)
    return reranker


def open_retriever(
    run: "Run", scorer: "Scorer", index: str, effort: int, rules: "Rules | None" = None
) -> "Retriever | None":
    """What finds items by the run's index, which is made if it has to be; None for all items."""
    from seqrec_cli.core.runs import loading

    retriever, made = loading.make_retriever(run, scorer, index, effort, rules)
    if made:
        say_indexed(scorer.num_items, run)
    return retriever


def say_indexed(num_items: int, run: "Run") -> None:
    """Say that the items of a run were indexed."""
    console.info(f"indexed {num_items:,} items, kept in {run.path}")


def measure_recall(retriever: "Retriever", histories: "Sequences", k: int, seen: "Seen") -> None:
    """Measure how much of the exact result is found, and say so."""
    from seqrec_cli.core.inference.retrieval import measured_recall

    recall, count = measured_recall(retriever, histories, k, seen)
    say_recall(recall, count, k, retriever.effort)


def say_recall(recall: float, count: int, k: int, effort: int) -> None:
    """Say how much of the exact result an index has found, of so many histories."""
    over = f"{count:,} {verb(count, 'history', 'histories')}"
    console.info(f"hnsw: recall@{k} {recall:.4f} of the exact result, over {over}")
    if recall < WANTED_RECALL:
        console.warn(f"that is low: search more items with `--effort {4 * effort}`")


def open_rules(options: Any, run: "Run", unit: str | None) -> "Ruled":
    """The rules that the options ask for, over the items of a run; `unit` is that of the times of
    the histories, None where they have none."""
    from seqrec_cli.core.inference.recent import Since
    from seqrec_cli.core.runs import ruling

    since = None
    if getattr(options, "exclude_seen", None) is not None:
        since = Since.parse(options.exclude_seen, unit)
    wanted = ruling.Wanted(
        only=options.only or (),
        exclude=options.exclude or (),
        since=since,
        popularity_penalty=getattr(options, "popularity_penalty", 0.0),
        diversify=getattr(options, "diversify", 0.0),
        diversify_by=getattr(options, "diversify_by", ""),
    )
    return ruling.make_rules(run, wanted)


def reweigh(
    compared: "Compared",
    judged: "Mapping[str, Scorer]",
    protocol: "EvaluationProtocol",
    rules: "Mapping[str, Rules | None]",
) -> dict[str, dict[str, float]]:
    """Give what joins each network the weights that are best on the valid part by the protocol;
    returns them, for who reads the figures. `judged` are the scorers before a last fit.

    Raises:
        ConfigError: a run has nothing to weigh.
    """
    from seqrec_cli.core.evaluation.weighing import pick_weights_by
    from seqrec_cli.core.inference.scoring import weighable

    found = {}
    for name, scorer in compared.scorers.items():
        before = weighable(judged[name], compared.runs[name].name)
        pick_weights_by(before, compared.dataset, protocol, rules[name])
        found[name] = {joined.name: joined.weight for joined in before.joined}
        weighable(scorer, compared.runs[name].name).weigh(found[name])
        weights = ", ".join(f"{joined} {weight:g}" for joined, weight in found[name].items())
        console.info(f"{name}: joined by {weights}, the weights that are best on the valid part")
    return found


def with_priors(
    compared: "Compared",
    judged: "Mapping[str, Scorer]",
    protocol: "EvaluationProtocol",
    rules: "dict[str, Rules | None]",
) -> dict[str, Any]:
    """Add popularity to what the rules of each run change, as much as is best on the valid part;
    returns what was done, for who reads the figures. `judged` are the scorers before a last fit."""
    from seqrec_cli.core.evaluation.weighing import pick_prior
    from seqrec_cli.core.inference.rules import with_prior

    weights = {}
    for name in compared.scorers:
        weight = pick_prior(judged[name], compared.dataset, protocol, rules[name])
        rules[name] = with_prior(rules[name], compared.dataset.item_counts(), weight)
        weights[name] = weight
        console.info(
            f"{name}: scores plus {weight:g} log(1 + the item's train count), the weight that is "
            "best on the valid part"
        )
    return {"prior": "popularity", "prior_weights": weights}


def diversified(
    options: Any, run: "Run", scorer: "Scorer", finder: "Finder | None", rules: "Rules | None"
) -> "Finder | None":
    """The finder, or what chooses diverse lists from its finds if that is asked for."""
    from seqrec_cli.core.runs.spreading import diverse_finder

    weight, by = options.diversify, options.diversify_by
    return diverse_finder(run, scorer, finder, rules, weight, by)
