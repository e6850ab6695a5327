"""What a report says of runs in words and tables, in the order of a model card.

Mitchell et al., Model Cards for Model Reporting, FAT* 2019.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seqrec_cli.core.data.store import manifest_path
from seqrec_cli.core.evaluation.summary import Figure
from seqrec_cli.core.inference.scoring import ModelScorer
from seqrec_cli.core.models.baselines import BASELINES
from seqrec_cli.core.runs.report.study import Study
from seqrec_cli.core.runs.status import FINISHED, RunStatus, read_mapping
from seqrec_cli.wording import as_typed_option, counted, duration, typed

SHOWN = ("ndcg", "hr", "mrr", "coverage", "popularity rank")
MOST_KEYS = 40  # settings that differ


@dataclass(frozen=True)
class CardTable:
    """A table of texts; `bold` are the places of the best cells, as (row, column)."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    bold: frozenset[tuple[int, int]] = frozenset()


def summary(study: Study) -> list[str]:
    """The outcome in sentences."""
    report, metric = study.report, study.report.main_metric
    users = counted(len(report.first.users), "user")
    sentences = [
        f"{counted(len(study.runs), 'run')} on the dataset {study.dataset.name}, evaluated on its "
        f"{report.protocol.part} part: {users}, each target against "
        f"{counted(study.dataset.num_items, 'item')}, seen ones {report.protocol.settled_seen}d."
    ]
    baselines = [name for name in BASELINES if name in report.figures]
    best = max(baselines, key=lambda name: report.figures[name][metric].mean, default=None)
    for name in study.runs:
        own = report.figures[name][metric]
        text = f"{name} has {metric} {in_brackets(own)}"
        if best is not None:
            other = report.figures[best][metric].mean
            better = own.mean > other
            text += (
                f", {own.mean - other:+.4f} against {best} ({other:.4f}), the best baseline"
                if better
                else f", no better than {best} ({other:.4f}), which needs no training"
            )
        sentences.append(text + ".")
    if study.left_out:
        sentences.append(f"Left out, as the data is too large: {', '.join(study.left_out)}.")
    sentences += [f"{note[0].upper()}{note[1:]}." for note in study.notes]
    return sentences


def in_brackets(figure: Figure, name: str = "") -> str:
    """A figure with its interval."""
    digits = 1 if name.startswith("popularity rank") else 4
    return f"{figure.mean:.{digits}f} [{figure.low:.{digits}f}, {figure.high:.{digits}f}]"


def details(study: Study) -> CardTable:
    """What was trained on what: facts as rows, runs as columns."""
    facts = {name: run_facts(study, name) for name in study.runs}
    rows = [
        [key, *(of_run[key] for of_run in facts.values())]
        for key in next(iter(facts.values()))
        if any(of_run[key] != "–" for of_run in facts.values())
    ]
    return CardTable("What was trained, on what and how", ["", *facts], rows)


def run_facts(study: Study, name: str) -> dict[str, str]:
    """What is to be known of a run; a dash where it does not say."""
    run, scorer = study.runs[name], study.compared.scorers[name]
    status, manifest = RunStatus(run.path), run.manifest()
    finished = read_mapping(run.path / FINISHED)
    weights = (
        sum(parameter.numel() for parameter in scorer.model.parameters())
        if isinstance(scorer, ModelScorer)
        else None
    )
    best, seconds = status.best, finished.get("seconds")
    value = best.get(status.metric)
    joined = getattr(run.experiment(), "joined", {})
    return {
        "model": status.model + "".join(f" + {other}" for other in joined),
        "weights": "–" if weights is None else f"{weights:,}",
        "dataset": f"{study.dataset.name}: {manifest.get('users', 0):,} users, "
        f"{manifest['items']:,} items",
        "state": status.in_words(),
        "epochs": f"{status.epoch} of {status.epochs}, best {best.get('epoch', '–')}",
        "best validation": f"{status.metric} {value:.4f}" if isinstance(value, float) else "–",
        "training time": duration(float(seconds)) if isinstance(seconds, int | float) else "–",
        "seed": str(manifest.get("seed", "–")),
        "device": f"{manifest.get('device', '–')}, {manifest.get('machine', '')}",
        "versions": f"seqrec {manifest.get('seqrec')}, torch {manifest.get('torch')}, Python "
        f"{manifest.get('python')}",
        "dataset's SHA-256": str(manifest["data_sha256"])[:16],
    }


def results(study: Study) -> CardTable:
    """The main metrics of all scorers, the best first."""
    k = study.report.main_metric.partition("@")[2]
    names = [f"{name}@{k}" for name in SHOWN]
    return figures_table(study, f"Results on the {study.report.protocol.part} part", names)


def all_results(study: Study) -> CardTable:
    """All metrics that do not say the same as another."""
    names = study.report.distinct_metrics()
    return figures_table(study, "All metrics, with 95 % intervals over users", names)


def figures_table(study: Study, caption: str, names: Sequence[str]) -> CardTable:
    """Scorers as rows, metrics as columns."""
    figures = study.report.figures
    known = [name for name in names if any(name in of_scorer for of_scorer in figures.values())]
    ranked = sorted(figures, key=lambda name: -figures[name][study.report.main_metric].mean)
    rows, bold = [], set()
    for y, scorer in enumerate(ranked):
        kind = "run" if scorer in study.runs else "baseline"
        row = [scorer, kind]
        for name in known:
            figure = figures[scorer].get(name)
            row.append("" if figure is None else in_brackets(figure, name))
            others = [of[name].mean for of in figures.values() if name in of]
            has_best = not name.startswith(("popularity", "coverage"))
            if has_best and figure is not None and figure.mean >= max(others):
                bold.add((y, len(row) - 1))
        rows.append(row)
    return CardTable(caption, ["scorer", "kind", *known], rows, frozenset(bold))


def differences(study: Study) -> CardTable | None:
    """How runs differ, paired by user; None for one."""
    if not study.differences:
        return None
    rows = [
        [
            f"{each.a} minus {each.b}",
            f"{each.mean:+.4f} [{each.low:+.4f}, {each.high:+.4f}]",
            "<0.001" if each.p < 0.0005 else f"{each.p:.3f}",
        ]
        for each in study.differences
    ]
    caption = f"Paired differences of {study.differences[0].metric}; p-values by Holm"
    return CardTable(caption, ["runs", "difference", "p"], rows)


def uses(study: Study) -> list[str]:
    """What the runs are for, and what not."""
    items = counted(study.dataset.num_items, "item")
    reads = any(run.experiment().model.reads_features for run in study.runs.values())
    return [
        f"They recommend the next of {items} to a person whose history has at least one of them.",
        "A person without a history gets no list of them; the most popular items may stand in.",
        "An item that came after the training "
        + ("can be scored by its features." if reads else "cannot be recommended: train again."),
        "Scores order the items for one person. They are no probabilities, and those of two "
        "people cannot be compared.",
        "Nothing but lists of items to look at should follow from them: no decision about people.",
    ]


def limits(study: Study) -> list[str]:
    """What to be careful about, with figures."""
    report, metric = study.report, study.report.main_metric
    k = metric.partition("@")[2]
    found = [
        f"{counted(count, 'user')} could not be asked about: {reason}."
        for reason, count in report.first.skipped.items()
    ]
    if report.first.unreachable:
        found.append(
            f"{counted(report.first.unreachable, 'target')} had been in the history already and "
            "count as missed."
        )
    middle = (study.dataset.num_items + 1) / 2
    for name in study.runs:
        figures = report.figures[name]
        if coverage := figures.get(f"coverage@{k}"):
            rank = figures[f"popularity rank@{k}"].mean
            found.append(
                f"{name} lists {coverage.mean:.1%} of the catalogue in the first {k} to anybody; "
                f"what it lists has the mean popularity rank {rank:,.0f} (1 is the most popular, "
                f"{middle:,.0f} the middle)."
            )
        worst = worst_slice(study, name)
        if worst is not None:
            found.append(
                f"Of the groups above, {name} is weakest for “{worst[0]}”: {metric} "
                f"{in_brackets(worst[1])}."
            )
    found += [
        "What people did was chosen among what they were shown at the time: offline figures favor "
        "what is like it. Only an experiment with people says what a list changes.",
        "Figures of the test part are fair as long as nothing was chosen by them.",
    ]
    if study.examples:
        found.append(
            "The examples show what single people did: think before passing this page on, or "
            "leave them out with --examples 0."
        )
    return found


def worst_slice(study: Study, run: str) -> tuple[str, Figure] | None:
    """The slice of users for whom a run is weakest; None without slices."""
    by_name = {
        name: figures[run] for rows in study.slices.values() for name, figures in rows.items()
    }
    return min(by_name.items(), key=lambda pair: pair[1].mean) if by_name else None


def data_facts(study: Study) -> CardTable:
    """Where the data came from, and what was kept of it."""
    manifest = study.dataset.manifest
    source = manifest.get("source") if isinstance(manifest.get("source"), dict) else {}
    assert isinstance(source, dict)
    split = manifest.get("split") if isinstance(manifest.get("split"), dict) else {}
    assert isinstance(split, dict)
    parts = ", ".join(
        f"{part} {split[part].get('interactions', 0):,}"
        for part in ("train", "valid", "test")
        if isinstance(split.get(part), dict)
    )
    dropped = manifest.get("dropped")
    reasons = dropped.items() if isinstance(dropped, dict) else ()
    rows = [
        ["source", str(source.get("path", ""))],
        ["licence", str(source.get("licence", ""))],
        ["source's SHA-256", str(source.get("sha256", ""))[:16]],
        ["split", f"{split.get('kind', '')}: {parts}" if parts else str(split.get("kind", ""))],
        *([f"dropped: {reason}", f"{count}"] for reason, count in reasons if count),
    ]
    return CardTable("Where it came from", ["", ""], [row for row in rows if row[1]])


def commands(study: Study) -> list[str]:
    """What to type to do it again."""
    manifest, protocol = study.dataset.manifest, study.report.protocol
    source = manifest.get("source")
    lines = []
    if isinstance(source, dict) and source.get("path"):
        kept = manifest.get("prepared_with")
        options = kept.items() if isinstance(kept, dict) else ()
        shown = [as_typed_option(str(name), value) for name, value in options]
        name = "demo" if source.get("format") == "demo" else source["path"]
        prepare = typed("seqrec", "prepare", name, "--name", study.dataset.name)
        lines.append(" ".join([prepare, *shown]))
    for run in study.runs.values():
        config = run.path / "experiment.yaml"
        lines.append(typed(*("seqrec", "train", "--config", config, "--data", study.dataset.name)))
    paths = [run.path for run in study.runs.values()]
    lines.append(typed("seqrec", "evaluate", *paths, "--split", protocol.part))
    return lines


def settings(study: Study) -> dict[str, str]:
    """The experiment of each run as YAML."""
    return {name: run.any_experiment().to_yaml() for name, run in study.runs.items()}


def differing_settings(study: Study) -> CardTable | None:
    """The settings in which runs differ; None for one run, or without any."""
    flat = {
        name: dict(flattened(run.any_experiment().model_dump(mode="json")))
        for name, run in study.runs.items()
    }
    keys = list(dict.fromkeys(key for of_run in flat.values() for key in of_run))
    rows = [
        [key, *(str(of_run.get(key, "–")) for of_run in flat.values())]
        for key in keys
        if len({str(of_run.get(key, "–")) for of_run in flat.values()}) > 1
    ]
    return CardTable("Settings that differ", ["", *flat], rows[:MOST_KEYS]) if rows else None


def flattened(content: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Settings by their whole keys, such as `training.lr`."""
    pairs: list[tuple[str, Any]] = []
    for key, value in content.items():
        if isinstance(value, dict):
            pairs += flattened(value, f"{before}{key}.")
        else:
            pairs.append((f"{before}{key}", value))
    return pairs


def versions_note(study: Study) -> str:
    """The checksums that say whether it is the same data."""
    manifest = manifest_path(study.compared.data_path)
    return (
        f"The prepared dataset has the SHA-256 {study.dataset.sha256}; its manifest is {manifest}. "
        f"Random numbers are functions of the seed, so the same versions on a machine of the same "
        f"kind give the same weights, byte for byte. Intervals: bootstrap over users, seed "
        f"{study.report.protocol.seed}."
    )
