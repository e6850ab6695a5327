"""An evaluation as data: figures with intervals, comparisons, and what a second stage can reach."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.evaluation.comparison import Difference
from seqrec_cli.core.evaluation.comparison import compare as compare_slices
from seqrec_cli.core.evaluation.groups import mean_outcomes
from seqrec_cli.core.evaluation.queries import EvaluatedPart, Targets
from seqrec_cli.core.evaluation.ranks import NUM_SAMPLED
from seqrec_cli.core.evaluation.sequential import Evaluation, Protocol, evaluate, recall_of
from seqrec_cli.core.evaluation.statistics import paired_differences
from seqrec_cli.core.evaluation.summary import Comparisons, Figure, plain_figures, summarize
from seqrec_cli.core.inference import export
from seqrec_cli.core.inference.retrieval import Finder, Retriever
from seqrec_cli.core.inference.rules import Rules
from seqrec_cli.core.inference.scoring import Scorer, Seen
from seqrec_cli.core.models.baselines import BASELINES, affordable
from seqrec_cli.errors import ConfigError

# With one target for each user: the metric that says the same, and whether it is divided by k.
SAME_WITH_ONE_TARGET = {"recall": ("hr", False), "map": ("mrr", False), "precision": ("hr", True)}


@dataclass(frozen=True, kw_only=True)
class EvaluationProtocol:
    """How scorers are evaluated.

    Attributes:
        part: what is to be predicted.
        kind: against the whole catalogue, or against 100 sampled items.
        ks: list lengths, ascending.
        seen: whether items of the history are candidates; None: as the runs were trained, which
            `runs.comparing.settle_protocol` puts in.
        targets: what follows each user's history, the first so many events of it, or each position
            of the part.
        seed: of the intervals, the sampled items and the sample of users.
        sample_users: of more users a random sample of that many is asked about, with exact ranks;
            None: all.

    Raises:
        ConfigError: the sampled protocol with what it does not have.
    """

    part: EvaluatedPart = "test"
    kind: Protocol = "full"
    ks: Sequence[int] = (1, 5, 10, 20)
    seen: Seen | None = None
    targets: Targets = "last"
    seed: int = 0
    sample_users: int | None = None

    def __post_init__(self) -> None:
        if self.kind == "sampled" and self.seen == "include":
            raise ConfigError("the sampled protocol never has seen items", "leave out --seen")
        if self.kind == "sampled" and self.targets == "all":
            raise ConfigError(
                "the sampled protocol predicts what follows each user's history",
                "leave out --targets",
            )

    @property
    def settled_seen(self) -> Seen:
        """The meaning of `seen`; to exclude, where neither a person nor a run says."""
        return self.seen or "exclude"


@dataclass(frozen=True, eq=False)
class Report:
    """What an evaluation found out.

    Attributes:
        outcomes: each scorer's metrics by user.
        figures: each scorer's means with 95 % intervals.
        comparisons: of each two runs.
        recalls: for scorers with an index, the share of the exact lists that it finds.
        reach: for scorers with a second stage, the share of targets among its candidates.
        rules: those that all scorers were under, in words and counts.
        weights: of what joins each network, by name, where they were picked for this evaluation.
    """

    dataset: SequenceDataset
    protocol: EvaluationProtocol
    outcomes: Mapping[str, Evaluation]
    figures: Mapping[str, dict[str, Figure]]
    comparisons: Comparisons
    recalls: Mapping[str, float] = field(default_factory=dict)
    reach: Mapping[str, float] = field(default_factory=dict)
    rules: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def first(self) -> Evaluation:
        """One of the outcomes: users, and who was skipped, are the same in all."""
        return next(iter(self.outcomes.values()))

    @property
    def runs(self) -> list[str]:
        """The names of the scorers that are compared with each other."""
        return list(dict.fromkeys(name for pair in self.comparisons for name in pair))

    def repeated_metrics(self) -> dict[str, str]:
        """Metrics that say the same as another here, and which: with one target for each user,
        recall is the hit rate, MAP is MRR, and precision is the hit rate divided by k."""
        if not all(
            self.says_the_same(name, other, by_k=by_k)
            for name, (other, by_k) in SAME_WITH_ONE_TARGET.items()
        ):
            return {}
        names = {"recall": "hr", "map": "mrr", "precision": "hr/k"}
        return {name: names[name] for name in SAME_WITH_ONE_TARGET}

    def says_the_same(self, name: str, other: str, *, by_k: bool) -> bool:
        """Whether a metric of all scorers is another one, for each user; divided by k, if so."""
        suffix = f" (sampled {NUM_SAMPLED})" if self.protocol.kind == "sampled" else ""
        return all(
            np.allclose(
                outcome.per_user[f"{name}@{k}{suffix}"],
                outcome.per_user[f"{other}@{k}{suffix}"] / (k if by_k else 1),
            )
            for outcome in self.outcomes.values()
            for k in self.protocol.ks
            if f"{name}@{k}{suffix}" in outcome.per_user
        )

    def distinct_metrics(self) -> list[str]:
        """The metrics without those that say the same as another."""
        repeated = self.repeated_metrics()
        names = next(iter(self.figures.values()))
        return [name for name in names if name.partition("@")[0] not in repeated]

    def differences(self, groups: Mapping[str, Sequence[str]]) -> list[Difference]:
        """Each group of runs minus each other by NDCG at the list length nearest to 10, paired by
        user; p-values are corrected for all pairs."""
        seed = self.protocol.seed
        return compare_slices(mean_outcomes(self.outcomes, groups), {}, [self.main_metric], seed)

    @property
    def main_metric(self) -> str:
        """NDCG at the list length nearest to 10."""
        names = [name for name in self.first.per_user if name.startswith("ndcg@")]
        return min(names, key=lambda name: abs(length_of(name) - 10))

    @property
    def baselines(self) -> dict[str, dict[str, Figure]]:
        """The figures of the scorers that need no training."""
        return {name: figures for name, figures in self.figures.items() if name in BASELINES}

    def beaten(self, kinds: Mapping[str, str]) -> dict[str, str]:
        """Scorers that are no better than a baseline without training, and the best such one.

        Args:
            kinds: the model of each run; a baseline of that name is no other model.
        """
        scores = {name: figures[self.main_metric].mean for name, figures in self.figures.items()}
        found = {}
        for name in scores.keys() - BASELINES.keys():
            others = [b for b in BASELINES if b in scores and b != kinds.get(name)]
            best = max(others, key=scores.__getitem__, default=name)
            if best != name and scores[name] <= scores[best]:
                found[name] = best
        return {name: found[name] for name in scores if name in found}

    def plain(self) -> dict[str, Any]:
        """All of it as plain values, for JSON."""
        protocol, first = self.protocol, self.first
        ruled = {"rules": dict(self.rules), "targets_left_out": first.left_out}
        sample = {"sample_users": protocol.sample_users}
        return {
            "data": self.dataset.name,
            "data_sha256": self.dataset.sha256,
            "split": protocol.part,
            "protocol": protocol.kind,
            "seen": protocol.settled_seen,
            "targets": protocol.targets,
            "seed": protocol.seed,
            **(sample if protocol.sample_users is not None else {}),
            "users": len(first.users),
            "queries": len(first.users) if first.counts is None else int(first.counts.sum()),
            "skipped": first.skipped,
            "unreachable_targets": first.unreachable,
            "repeated_targets": first.repeated,
            **(ruled if self.rules else {}),
            **({"joined_weights": self.weights} if self.weights else {}),
        } | plain_figures(self.figures, self.comparisons)

    def write_users(self, path: Path, *, safe: bool = False) -> None:
        """Write a row for each scorer and user, ids and metrics, to a .csv or .jsonl file; `safe`
        as in `export.write_rows`."""
        counted = [] if self.first.counts is None else ["targets"]
        columns = ["scorer", "user", *counted, *self.first.per_user]
        export.write_rows(path, self.user_rows(), columns, safe=safe)

    def user_rows(self) -> Iterator[dict[str, Any]]:
        """A row for each scorer and user: the user's id and metrics."""
        for name, outcome in self.outcomes.items():
            for row, user in enumerate(outcome.users):
                metrics = {m: float(values[row]) for m, values in outcome.per_user.items()}
                user_id = self.dataset.user_ids[user].item()
                counted = {} if outcome.counts is None else {"targets": int(outcome.counts[row])}
                yield {"scorer": name, "user": user_id, **counted, **metrics}


def length_of(name: str) -> int:
    """The list length of a metric such as "ndcg@10 (sampled 100)"."""
    return int(name.partition("@")[2].partition(" ")[0])


def fit_baselines(
    dataset: SequenceDataset, users: int | None = None
) -> tuple[dict[str, Scorer], list[str]]:
    """Scorers that need no training, and the names of those that the data is too large for, if all
    users are asked about or `users` of them."""
    asked = min(dataset.num_users, users or dataset.num_users)
    names = [name for name in BASELINES if affordable(name, dataset, asked)]
    left_out = [name for name in BASELINES if name not in names]
    return {name: BASELINES[name](dataset) for name in names}, left_out


def evaluate_each(
    dataset: SequenceDataset,
    scorers: Mapping[str, Scorer],
    protocol: EvaluationProtocol,
    finders: Mapping[str, Finder | None],
    rules: Mapping[str, Rules | None] | None = None,
) -> Iterator[tuple[str, Evaluation]]:
    """Evaluate one scorer after the other; each by its finder, where it has one, and under its
    rules, which its finder has too."""
    for name, scorer in scorers.items():
        yield (
            name,
            evaluate(
                scorer,
                dataset,
                protocol.part,
                ks=protocol.ks,
                protocol=protocol.kind,
                seen=protocol.settled_seen,
                seed=protocol.seed,
                targets=protocol.targets,
                lists=True,
                retriever=finders.get(name),
                rules=(rules or {}).get(name),
                most_users=protocol.sample_users,
            ),
        )


def make_report(
    dataset: SequenceDataset,
    protocol: EvaluationProtocol,
    outcomes: Mapping[str, Evaluation],
    runs: Sequence[str],
    retrievers: Mapping[str, Retriever | None],
    reach: Mapping[str, float],
    rules: Mapping[str, Any] | None = None,
    known: Mapping[str, dict[str, Figure]] | None = None,
    weights: Mapping[str, Mapping[str, float]] | None = None,
) -> Report:
    """Summarise outcomes, compare each two of `runs`, and measure what an index finds.

    Figures that are `known` from before, by scorer, come after those of the outcomes.
    """
    ks, seed = protocol.ks, protocol.seed
    return Report(
        dataset=dataset,
        protocol=protocol,
        outcomes=outcomes,
        figures={n: summarize(outcome, dataset, ks, seed) for n, outcome in outcomes.items()}
        | dict(known or {}),
        comparisons={
            (a, b): paired_differences(
                outcomes[a].per_user, outcomes[b].per_user, seed, outcomes[a].counts
            )
            for a, b in itertools.combinations(runs, 2)
        },
        recalls={
            name: recall_of(
                retriever,
                outcomes[name],
                dataset,
                protocol.part,
                protocol.settled_seen,
                protocol.targets,
                protocol.sample_users,
                protocol.seed,
            )
            for name, retriever in retrievers.items()
            if retriever is not None
        },
        reach=reach,
        rules=rules or {},
        weights=weights or {},
    )


def candidate_recall(
    scorer: Scorer,
    dataset: SequenceDataset,
    protocol: EvaluationProtocol,
    candidates: int,
    retriever: Finder | None,
    rules: Rules | None = None,
) -> float:
    """The share of targets among the candidates that a second stage orders."""
    outcome = evaluate(
        scorer,
        dataset,
        protocol.part,
        metrics=("recall",),
        ks=[candidates],
        seen=protocol.settled_seen,
        targets=protocol.targets,
        retriever=retriever,
        rules=rules,
        seed=protocol.seed,
        most_users=protocol.sample_users,
    )
    return outcome.means()[f"recall@{candidates}"]
