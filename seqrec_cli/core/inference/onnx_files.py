"""A model that finds items as a folder for other runtimes: model.onnx, the ids, how to call it.

The folder is written only if onnxruntime gives what seqrec gives, for real histories.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqrec_cli.core.data.features.encoded import EncodedFeatures
from seqrec_cli.core.data.sequences import PAD, Sequences
from seqrec_cli.core.inference import onnx_graphs as graphs
from seqrec_cli.core.inference.names import Catalogue
from seqrec_cli.core.inference.rules import Rules
from seqrec_cli.core.inference.scoring import ModelScorer, Scored, Seen, score_all
from seqrec_cli.core.models.sequential.textbook import TextbookScores, textbook
from seqrec_cli.wording import counted

TRIED = 64  # histories of a batch in the comparison


@dataclass(frozen=True, eq=False)
class KnownUsers:
    """The users of the dataset: user n, from 1, has the id at n - 1, and that row of features."""

    ids: NDArray[Any]
    features: EncodedFeatures | None


def write_onnx(
    folder: Path,
    scorer: ModelScorer,
    catalogue: Catalogue,
    histories: Sequences,
    k: int,
    seen: Seen,
    users: KnownUsers | None = None,
    rules: Rules | None = None,
) -> graphs.Agreement:
    """Write the network of a scorer to a folder, after it was compared.

    Args:
        histories: real ones, to compare with.
        k: how many items are listed; 0: scores of all.
        users: for a model that reads their features.
        rules: which items may be listed.

    Raises:
        ConfigError: the model cannot be exported.
        InputError: the folder has something in it.
        RunError: onnxruntime gives something else.
    """
    graphs.check_folder(folder)
    longest = scorer.model.max_length
    features = None if users is None else users.features
    allowed = None if rules is None else rules.allowed
    unread = None if scorer.unread is None else torch.from_numpy(scorer.unread)
    plain = textbook(scorer.model, k, seen, features, allowed, unread)
    made = finder_bytes(plain, longest)
    agreement = compare_finder(made, plain, scorer, histories, longest, rules).check()
    lists = {"items": [None, *catalogue.item_ids.tolist()]}
    if users is not None and plain.reads_users:
        lists["users"] = [None, *users.ids.tolist()]
    graphs.write_folder(folder, made, how_to_call(plain, longest, agreement), lists)
    return agreement


def finder_bytes(plain: TextbookScores, longest: int) -> bytes:
    """The ONNX file: history int64 (batch, length), and users, to scores or to the best items."""
    example = torch.ones((2, min(3, longest)), dtype=torch.int64)
    inputs, sizes = {"history": example}, {"history": (graphs.BATCH, graphs.LENGTH)}
    if plain.reads_users:
        inputs["user"] = torch.tensor([0, 1])
        sizes |= {"user": (graphs.BATCH,)}  # type: ignore[dict-item]
    return graphs.graph_bytes(plain, inputs, sizes, outputs_of(plain), longest)


def outputs_of(plain: TextbookScores) -> list[str]:
    """What the file gives, by name."""
    return ["items", "scores"] if plain.k else ["scores"]


def compare_finder(
    made: bytes,
    plain: TextbookScores,
    scorer: ModelScorer,
    histories: Sequences,
    longest: int,
    rules: Rules | None = None,
) -> graphs.Agreement:
    """Compare onnxruntime's answers with seqrec's."""
    session, k = graphs.session_of(made), plain.k
    difference, same = 0.0, 0
    for start in range(0, len(histories), TRIED):
        rows = np.arange(start, min(start + TRIED, len(histories)))
        # The file sees the latest items alone, so it cannot leave out older ones.
        part = histories.take(rows)
        batch = part.cut(np.maximum(part.lengths - longest, 0))[1]
        whole = all_scores(scorer, batch, plain.seen, rules) if k else all_scores(scorer, batch)
        inputs = {"history": graphs.padded_after(batch, longest)}
        if plain.reads_users:
            assert part.owners is not None, "only users of the dataset have features"
            inputs["user"] = part.owners + 1
        found = session.run(None, inputs)
        if not k:
            difference = max(difference, graphs.relative_gap(found[0][:, 1:], whole[:, 1:]))
            same += len(batch)
            continue
        items, values = found
        best = -np.sort(-whole, axis=1)[:, :k]
        expected = np.argsort(-whole, axis=1, kind="stable")[:, :k]
        same += int((np.where(best == -np.inf, PAD, expected) == items).all(1).sum())
        for right in (np.take_along_axis(whole, items, axis=1), best):
            difference = max(difference, graphs.relative_gap(values, right))
    return graphs.Agreement(len(histories), difference, same)


def all_scores(
    scorer: ModelScorer, histories: Sequences, seen: Any = "include", rules: Rules | None = None
) -> NDArray[np.float32]:
    """The scores of all items for each history, float32 (B, N + 1), by the one path."""
    scores = np.empty((len(histories), scorer.num_items + 1), np.float32)

    def keep(scored: Scored) -> None:
        scores[scored.rows] = scored.scores.numpy()

    for _ in score_all(scorer, histories, seen, keep, rules):
        pass
    return scores


def how_to_call(plain: TextbookScores, longest: int, agreement: graphs.Agreement) -> str:
    """The README of the folder."""
    k = plain.k
    outputs = (
        "`items`, int64 (batch, k), and `scores`, float32 (batch, k), best first"
        if k
        else "`scores`, float32 (batch, items + 1); column 0 is padding and means nothing"
    )
    left_out = (
        "Items in `history` are left out; older ones, which it does not see, are not.\n"
        if k and plain.seen == "exclude"
        else ""
    )
    never = len(plain.left_out) - 1
    if k and never:
        left_out += f"{counted(never, 'item')} that nobody had are never listed.\n"
    if plain.unread is not None:
        unread = counted(int(plain.unread.sum()), "item")
        left_out += f"{unread} of which nothing was learned may be in `history`, and count for "
        left_out += "nothing.\n"
    users = (
        "`user`, int64 (batch,), is a user's place in `users.json`; 0 is one who is not there.\n"
        if plain.reads_users
        else ""
    )
    given = ', "user": np.array([0])' if plain.reads_users else ""
    last = "items[0]" if k else "(-scores[0][1:]).argsort()[:10] + 1"
    names = "items, scores" if k else "(scores,)"
    return f"""# A sequential recommender, exported by seqrec

`model.onnx` takes `history`, int64 (batch, length): numbers of items, oldest first, with zeros
after the end of the shorter ones; at most the {longest} latest items of each. It gives {outputs}.
{left_out}{users}
`items.json` is a list: item number n has the id at place n; place 0 is empty.

```python
import json
from pathlib import Path
import numpy as np
import onnxruntime

ids = json.loads(Path("items.json").read_text())
number = {{str(key): n for n, key in enumerate(ids)}}
session = onnxruntime.InferenceSession("model.onnx")
history = np.array([[1, 2, 3]])  # [number[key] for key in ...]
{names} = session.run(None, {{"history": history{given}}})
print([ids[n] for n in {last}])
```

onnxruntime was compared with seqrec on {agreement.compared:,} histories: the largest difference
of two scores is {agreement.difference:.1g}; rules, popularity and a second stage are not in here.
"""
