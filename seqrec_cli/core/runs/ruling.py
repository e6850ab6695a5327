"""The rules of a run: what a person asks for, over the items that the run keeps."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqrec_cli.core.inference.diversity import Similarity, by_column, by_vectors
from seqrec_cli.core.inference.recent import Since
from seqrec_cli.core.inference.rules import Rules, popularity_penalty
from seqrec_cli.core.inference.scoring import Scorer, item_vectors, require_vectors
from seqrec_cli.core.runs.learned import unlearned
from seqrec_cli.core.runs.loading import catalogue_of, item_table_of
from seqrec_cli.core.runs.run import Run
from seqrec_cli.errors import ConfigError, InputError, RunError
from seqrec_cli.wording import verb


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The rules that a person asks for.

    Attributes:
        only: files of ids, or expressions over the items' table; an item must be in all of them;
            a tuple holds ids themselves.
        exclude: likewise; an item may be in none of them.
        since: from when on seen items are left out.
        popularity_penalty: how much the logarithm of popularity counts against an item.
        diversify: the weight of being unlike what is listed already ...
        diversify_by: ... by `vectors`, or by a column of the items' table.
        files: whether a text may name a file; not where it comes from strangers.
    """

    only: Sequence[str | tuple[str, ...]] = ()
    exclude: Sequence[str | tuple[str, ...]] = ()
    since: Since | None = None
    popularity_penalty: float = 0.0
    diversify: float = 0.0
    diversify_by: str = "vectors"
    files: bool = True


@dataclass(frozen=True, eq=False)
class Ruled:
    """The rules of a run.

    Attributes:
        rules: None where every item may be recommended at its score.
        account: the rules that were asked for, in words and counts; empty without any.
        notes: what the user should know.
        new_items: how many items were left out as nothing was learned of them.
    """

    rules: Rules | None
    account: Mapping[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    new_items: int = 0


def make_rules(run: Run, wanted: Wanted) -> Ruled:
    """The rules that are asked for, over the items of a run.

    An item that nobody has is left out where the model reads nothing but ids: its vector is as
    training began, so that it would be recommended by chance.

    Raises:
        InputError: a rule that cannot be read, or that names no item.
        ConfigError: no item is left.
        RunError: the run is of an earlier version, and does not keep what a rule needs.
    """
    catalogue = catalogue_of(run)
    num_items = len(catalogue.item_ids)
    allowed, account, notes = chosen_items(run, wanted)
    unknown = unlearned(run)
    new = int((allowed & unknown).sum())
    allowed &= ~unknown
    if not allowed.any():
        raise no_item_left(wanted, num_items)
    penalty = None
    if wanted.popularity_penalty:
        if catalogue.counts is None:
            raise RunError(
                f"the run `{run.path}` is of an earlier version, which kept no popularity",
                "train again, or leave out --popularity-penalty",
            )
        penalty = popularity_penalty(catalogue.counts, wanted.popularity_penalty)
        account["popularity_penalty"] = wanted.popularity_penalty
    if wanted.since is not None:
        account["exclude_seen"] = wanted.since.text
    if wanted.diversify:
        account |= {"diversify": wanted.diversify, "diversify_by": wanted.diversify_by}
    if account:
        account |= {"items_left": int(allowed.sum()), "items": num_items}
    rules = Rules.of(allowed, penalty, wanted.since, account)
    return Ruled(rules, account, notes, new)


def usual_rules(runs: Mapping[str, Run], others: Iterable[str] = ()) -> dict[str, Rules | None]:
    """The rules of runs where nobody asks for any: items of which nothing was learned are left out.

    `others` that are compared with them, such as baselines, have those of the first run.
    """
    rules = {name: make_rules(run, Wanted()).rules for name, run in runs.items()}
    first = next(iter(rules.values()))
    return rules | {name: first for name in others if name not in rules}


def chosen_items(run: Run, wanted: Wanted) -> tuple[NDArray[np.bool_], dict[str, Any], list[str]]:
    """The items that `only` and `exclude` leave, bool (N,); what each of them names, and notes."""
    catalogue = catalogue_of(run)
    allowed = np.ones(len(catalogue.item_ids), np.bool_)
    account: dict[str, Any] = {}
    notes: list[str] = []
    if not wanted.only and not wanted.exclude:
        return allowed, account, notes
    # Here, so that a list without rules does not wait for the engine.
    from seqrec_cli.core.inference.selection import Selection

    place = f"the items' table of the run `{run.path}`"
    selection = Selection(catalogue, item_table_of(run), place)
    for option, texts in (("only", wanted.only), ("exclude", wanted.exclude)):
        for text in texts:
            chosen = selection.choose(f"--{option}", text, wanted.files)
            allowed &= chosen.mask if option == "only" else ~chosen.mask
            notes += chosen.notes
            rule = {"rule": chosen.text, "items": int(chosen.mask.sum())}
            account.setdefault(option, []).append(rule)
    return allowed, account, notes


def similarity_of(run: Run, scorer: Scorer, by: str) -> Similarity:
    """How similar items are: by `vectors`, or by a column of the items' table.

    Raises:
        InputError: there is no such column.
    """
    if by == "vectors":
        return by_vectors(item_vectors(require_vectors(scorer)))
    table = item_table_of(run)
    columns = {} if table is None else {name.lower(): t for name, t in table.columns.items()}
    if by.lower() not in columns:
        close = get_close_matches(by.lower(), [*columns, "vectors"], n=1)
        listed = ", ".join(f"`{name}`" for name in columns) or "none"
        raise InputError(
            f"the items' table of the run `{run.path}` has no column `{by}`",
            f"did you mean `--diversify-by {close[0]}`?"
            if close
            else f"its columns are {listed}; or use `--diversify-by vectors`",
        )
    return by_column(columns[by.lower()])


def no_item_left(wanted: Wanted, num_items: int) -> ConfigError:
    typed = [f"--only {as_typed(text)}" for text in wanted.only]
    typed += [f"--exclude {as_typed(text)}" for text in wanted.exclude]
    return ConfigError(
        f"no item is left of {num_items:,}: {' and '.join(f'`{each}`' for each in typed)} "
        f"{verb(len(typed), 'leaves', 'leave')} nothing to recommend",
        "leave out one of them; each alone may leave some"
        if len(typed) > 1
        else "choose fewer items to leave out, or another condition",
    )


def as_typed(rule: str | tuple[str, ...]) -> str:
    """A rule in words: an expression or a file as it is, ids by their number."""
    return rule if isinstance(rule, str) else f"{len(rule):,} ids"
