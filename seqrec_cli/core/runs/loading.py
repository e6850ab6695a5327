"""Trained runs, ready to score: one, several to compare, or two stages."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import ValidationError

from seqrec_cli.core.batching.ranking import Sizes
from seqrec_cli.core.data.dataset import SequenceDataset
from seqrec_cli.core.data.item_table import ItemTable
from seqrec_cli.core.data.ranking.columns import TableColumns
from seqrec_cli.core.data.ranking.dataset import from_encoder_arrays
from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.experiment.fitted import FittedExperiment
from seqrec_cli.core.inference.names import Catalogue
from seqrec_cli.core.inference.ranker import Ranker
from seqrec_cli.core.inference.reranking import Reranker
from seqrec_cli.core.inference.retrieval import Exact, Retriever, check_index
from seqrec_cli.core.inference.rules import Rules
from seqrec_cli.core.inference.scoring import FittedScorer, ModelScorer, Scorer, Seen
from seqrec_cli.core.models.fitted import FITTED, FittedModel
from seqrec_cli.core.models.ranking.registry import build_ranker
from seqrec_cli.core.models.sequential.registry import build_model
from seqrec_cli.core.runs.directory import LATEST, MANIFEST, find_run
from seqrec_cli.core.runs.index import INDEX, load_index
from seqrec_cli.core.runs.inputs import (
    COUNTED,
    ROWS,
    load_catalogue,
    load_features,
    load_item_table,
    load_joined,
    load_train_part,
)
from seqrec_cli.core.runs.learned import unread
from seqrec_cli.core.runs.run import Run
from seqrec_cli.core.runs.status import run_statuses
from seqrec_cli.core.runs.tracks import is_refitted
from seqrec_cli.core.storage.arrays import load_arrays
from seqrec_cli.core.storage.tensors import first_line, load_tensors
from seqrec_cli.errors import ConfigError, RunError

LONGEST_HISTORY = 10_000  # items before a candidate; `seqrec prepare` allows fewer


def newest_of(task: str, name: str) -> Path:
    """The directory that a user calls `name`; for `latest`, the newest finished run of the task."""
    path = find_run(name)
    if name != LATEST or not (path / MANIFEST).exists() or Run(path).task == task:
        return path
    finished = (run for run in run_statuses() if run.state == "finished")
    return next((run.path for run in finished if run.task == task), path)


def catalogue_of(run: Run) -> Catalogue:
    """The items that a run knows."""
    return load_catalogue(run.path, run.manifest()["items"])


def item_table_of(run: Run) -> ItemTable | None:
    """What a run keeps of its items for rules, besides ids and titles."""
    return load_item_table(run.path, run.manifest()["items"])


def load_scorer(run: Run, device: torch.device, final: bool | None = None) -> Scorer:
    """The model of a run with its best weights, ready to score.

    Args:
        final: with those of its last fit, on train + valid, instead; None: if it has one.

    Raises:
        RunError: no best weights, or they are damaged.
    """
    num_items, experiment = run.manifest()["items"], run.experiment()
    if final is None:
        final = experiment.training.final and run.checkpoints.has_final()
    if isinstance(experiment, FittedExperiment):
        fitted, never = load_fitted(run, experiment, num_items, final), unread(run, final)
        return fitted if never is None else FittedScorer(fitted, never)
    features = load_features(run.path, experiment, num_items)
    model, facts = run.checkpoints.load_best_into(
        lambda: build_model(experiment.model, num_items, None, features), final
    )
    joined = load_joined(run.path, experiment, num_items, facts.get("weights"), final)
    return ModelScorer(model.to(device), num_items, device, joined, unread(run, final))


def weights_digest(run: Run) -> str:
    """The checksum of the file with the weights that `load_scorer` takes."""
    return run.checkpoints.sha256_of_best(is_refitted(run))


def load_fitted(run: Run, experiment: FittedExperiment, num_items: int, final: bool) -> FittedModel:
    """The model of a run that was fitted without gradients, as it was best, or as fitted last.

    Raises:
        RunError: there is none, or it is damaged.
    """
    kept = run.checkpoints
    tensors, facts = load_tensors(kept.final) if final else kept.load_best_weights()
    try:
        settings = type(experiment.model).model_validate(facts["settings"])
        model: FittedModel = FITTED[settings.name].restored(num_items, settings, tensors)
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise RunError(
            f"`{run.checkpoints.best}` does not belong to the experiment beside it: "
            f"{first_line(error)}",
            "train again",
        ) from error
    return model


def train_part_of(run: Run, data: str | None, data_dir: Path) -> Sequences:
    """The histories that a run learned from: as it keeps them for counts, or of its dataset.

    Raises:
        DatasetError, RunError: the dataset is gone, or another one.
    """
    if data is None and (run.path / COUNTED).exists():
        return load_train_part(run.path, run.manifest()["items"])
    dataset = SequenceDataset.load(run.find_data(data, data_dir))
    run.check_data(dataset)
    return dataset.train


def load_ranker(run: Run, device: torch.device) -> Ranker:
    """The model of a ranking run with its best weights.

    Raises:
        RunError: it is not a ranking run, has no best weights, or is damaged.
    """
    experiment, path = run.ranking_experiment(), run.path / ROWS
    arrays = load_arrays(path)
    try:
        encoders, user_ids, item_ids, sides = from_encoder_arrays(arrays)
        training_pairs = np.stack((arrays["looked_users"], arrays["looked_items"]), axis=1)
        limits = np.array([len(user_ids), len(item_ids)])
        outside = (training_pairs < 0) | (training_pairs >= limits)
        if training_pairs.dtype != np.int32 or outside.any():
            raise ValueError("it was trained on users or items that it does not have")
        learned = arrays["looked_to_learn"]
        if learned.dtype != np.bool_ or learned.shape != training_pairs.shape[:1]:
            raise ValueError("it does not say which rows it learned from")
    except (KeyError, ValueError) as error:
        raise RunError(f"`{path}` does not belong to this run: {error}", "train again") from error
    sizes = Sizes.of(encoders)
    model, _ = run.checkpoints.load_best_into(lambda: build_ranker(experiment.model, sizes))
    return Ranker(
        path=str(run.path),
        model=model.to(device),
        device=device,
        encoders=encoders,
        user_ids=user_ids,
        item_ids=item_ids,
        sides=sides,
        training_pairs=training_pairs,
        learned=learned,
        examples=checked_examples(run) if sides else {},
    )


def checked_examples(run: Run) -> dict[str, Any]:
    """How the rows of a ranking run were made from a log, by its manifest.

    Raises:
        RunError: it does not say.
    """
    examples = run.manifest().get("examples")
    try:
        if not isinstance(examples, dict):
            raise ValueError("it does not say how its rows were made")
        length, positive = examples["history_length"], examples["positive_rating"]
        if type(length) is not int or not 0 < length <= LONGEST_HISTORY:
            raise ValueError("its `history_length` is not a valid value")
        if type(positive) not in (int, float) or not np.isfinite(float(positive)):
            raise ValueError("its `positive_rating` is not a valid value")
    except (ValueError, KeyError, OverflowError) as error:
        raise RunError(
            f"`{run.path / MANIFEST}` is damaged: {error}", "train the run again"
        ) from error
    return examples


def catalogue_of_ranker(ranker: Ranker) -> Catalogue:
    """The items that a ranking run knows."""
    return Catalogue(ranker.item_ids, None)


def table_columns(run: Run) -> TableColumns:
    """What the columns hold of the table that a ranking run was made of.

    Raises:
        RunError: the run is of an earlier version, which did not keep it.
    """
    columns = run.manifest().get("table")
    try:
        return TableColumns.model_validate(columns)
    except ValidationError:
        raise RunError(
            f"the run `{run.path}` does not say what the columns of its table hold: it is of an "
            "earlier version, or damaged",
            "train again",
        ) from None


def agreed_seen(runs: Iterable[Run], given: Seen | None) -> Seen:
    """Whether seen items may be recommended: as `given`, or else as the runs were trained.

    Raises:
        ConfigError: nobody said, and the runs were trained differently.
    """
    if given is not None:
        return given
    by_meaning = {run.experiment().training.seen: run.name for run in runs}
    if len(by_meaning) > 1:
        raise ConfigError(
            f"`{by_meaning['exclude']}` was trained with `seen: exclude` and "
            f"`{by_meaning['include']}` with `seen: include`",
            "choose one for all of them: `--seen exclude` or `--seen include`",
        )
    (meaning,) = by_meaning
    assert meaning != "auto", "a run says what it came to"
    return meaning


def make_retriever(
    run: Run,
    scorer: Scorer,
    index: str,
    effort: int,
    rules: Rules | None = None,
    stem: str = INDEX,
) -> tuple[Retriever | None, bool]:
    """The retriever with the run's index, and whether the index had to be built.

    None if `index` is "exact": then all items are scored.
    """
    if index == "exact":
        return None, False
    scorer = check_index(scorer)
    neighbours, made = load_index(run.path, scorer, stem)
    return Retriever(scorer, neighbours, effort, rules), made


def make_reranker(
    run: Run,
    finder: Retriever | None,
    scorer: Scorer,
    catalogue: Catalogue,
    candidates: int,
    dataset: SequenceDataset | None,
    before: Literal["end", "valid", "test"],
    retrieval_weight: float,
    rules: Rules | None = None,
) -> Reranker:
    """A reranker that orders the candidates of a retrieval model by the ranking run `run`."""
    ranker = load_ranker(run, scorer.device)
    first = finder or Exact(scorer, rules)
    return Reranker(
        first, ranker, catalogue.item_ids, candidates, dataset, before, retrieval_weight
    )
