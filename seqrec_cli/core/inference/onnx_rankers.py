"""A ranking model as a folder for other runtimes: it scores rows of a history and a candidate.

Of a run that was made of a log, items and users go by numbers, and the file has their features; of
one that was made of a table, by the codes of its encoders, which are written beside it.

The folder is written only if onnxruntime gives what `seqrec score` gives, for real rows.

Shapes: B rows, T positions of history.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from seqrec_cli.core.batching.features import FeatureTensors
from seqrec_cli.core.batching.ranking import RankingBatch, to_batch
from seqrec_cli.core.data.features.dense import DenseEncoder
from seqrec_cli.core.data.features.encoders import Encoders
from seqrec_cli.core.data.features.vocabularies import (
    FIRST,
    UNKNOWN,
    SparseEncoder,
    TagsEncoder,
    Vocabulary,
)
from seqrec_cli.core.data.ranking.dataset import SIDES, Examples
from seqrec_cli.core.inference import onnx_graphs as graphs
from seqrec_cli.core.inference.names import Catalogue
from seqrec_cli.core.inference.ranker import Ranker
from seqrec_cli.core.inference.reranking import Reranker
from seqrec_cli.core.inference.row_files import Row
from seqrec_cli.core.inference.row_scoring import Nothing, RankerRows, Resolver, ranked
from seqrec_cli.core.models.layers import rows_at
from seqrec_cli.core.models.ranking.textbook import TextbookRanker
from seqrec_cli.errors import RunError

NO_LIMIT = 2**31 - 1
OUTPUTS = ["logit", "probability"]
# The file, how it agrees, and what its README says of it.
Made = tuple[bytes, graphs.Agreement, str]


class RowsOfLog(nn.Module):
    """Rows of numbers: the features of users and items are looked up."""

    codes: Tensor

    def __init__(self, ranker: Ranker) -> None:
        super().__init__()
        self.ranker = TextbookRanker(ranker.model)
        # Number 0 is an unknown candidate, and no item of a history.
        codes = Reranker(Nothing(), ranker, ranker.item_ids, 1).codes.astype(np.int64)
        self.register_buffer("codes", torch.from_numpy(codes))
        self.num_tags: dict[str, int] = {}
        for side in SIDES:
            table = ranker.sides[side]
            rows = FeatureTensors.of(table.take(np.arange(-1, len(table) - 1)))
            self.num_tags[side] = len(rows.tags)
            self.register_buffer(f"{side}_dense", rows.dense)
            self.register_buffer(f"{side}_sparse", rows.sparse)
            for number, codes_ in enumerate(rows.tags):
                self.register_buffer(f"{side}_tags_{number}", codes_)

    def forward(self, user: Tensor, item: Tensor, history: Tensor) -> tuple[Tensor, Tensor]:
        """Numbers (B,), (B,) and (B, T) to logits and probabilities (B,)."""
        both = (("user", user), ("item", item))
        dense = torch.cat([rows_at(getattr(self, f"{side}_dense"), at) for side, at in both], 1)
        sparse = torch.cat([rows_at(getattr(self, f"{side}_sparse"), at) for side, at in both], 1)
        tags = [
            getattr(self, f"{side}_tags_{number}")[at]
            for side, at in both
            for number in range(self.num_tags[side])
        ]
        codes = torch.where(item > 0, self.codes[item], UNKNOWN)
        logits = self.ranker(codes, self.codes[history], dense, sparse, *tags)
        return logits, torch.sigmoid(logits)


class RowsOfTable(nn.Module):
    """Rows of codes; inputs for which there are no columns are left out."""

    def __init__(self, ranker: Ranker) -> None:
        super().__init__()
        self.ranker = TextbookRanker(ranker.model)
        encoders = ranker.encoders
        self.has_dense = bool(encoders.of(DenseEncoder))
        self.has_sparse = bool(encoders.of(SparseEncoder))

    def forward(self, item: Tensor, history: Tensor, *features: Tensor) -> tuple[Tensor, Tensor]:
        """Codes (B,), (B, T), and features to logits and probabilities (B,)."""
        left = list(features)
        dense = left.pop(0) if self.has_dense else torch.zeros((item.shape[0], 0))
        sparse = left.pop(0) if self.has_sparse else item.new_zeros((item.shape[0], 0))
        logits = self.ranker(item, history, dense, sparse, *left)
        return logits, torch.sigmoid(logits)


def write_ranker(folder: Path, ranker: Ranker, examples: Examples) -> graphs.Agreement:
    """Write a ranking model to a folder, after it was compared.

    Args:
        examples: real rows of its dataset, to compare with.

    Raises:
        InputError: the folder has something in it.
        RunError: onnxruntime gives something else, or the rows have no history.
    """
    graphs.check_folder(folder)
    of_log = bool(ranker.sides)
    made, agreement, inputs = (export_log if of_log else export_table)(ranker, examples)
    lists: dict[str, Any]
    if of_log:
        ids, users = ranker.item_ids.tolist(), ranker.user_ids.tolist()
        lists = {"items": [None, *ids], "users": [None, *users]}
    else:
        values = ranker.encoders.items.values.tolist()
        lists = {"items": [None] * FIRST + values, "columns": described(ranker.encoders)}
    graphs.write_folder(folder, made, how_to_rank(inputs, agreement), lists)
    return agreement


def export_log(ranker: Ranker, examples: Examples) -> Made:
    """The file of a run that was made of a log."""
    longest = int(ranker.examples["history_length"])
    numbers = torch.tensor([0, 1])
    # Tensors of their own: one that came twice would become one input.
    inputs = {"user": numbers, "item": numbers.clone(), "history": torch.ones((2, 3)).long()}
    sizes: dict[str, Sequence[str]] = {"user": (graphs.BATCH,), "item": (graphs.BATCH,)}
    sizes |= {"history": (graphs.BATCH, graphs.LENGTH)}
    made = graphs.graph_bytes(RowsOfLog(ranker).eval(), inputs, sizes, OUTPUTS, NO_LIMIT)
    agreement = compare_log(made, ranker, examples, longest)
    return made, agreement, OF_LOG.format(longest=longest)


def compare_log(made: bytes, ranker: Ranker, examples: Examples, longest: int) -> graphs.Agreement:
    """Compare with `seqrec score`, for the rows of examples, by ids."""
    resolver = Resolver(["user", "history", "item"], Catalogue(ranker.item_ids, None), None)
    rows = as_rows(ranker, examples)
    kept, histories, which, items, _ = resolver.resolve(rows)
    if not len(kept):
        raise RunError(
            f"no row of the dataset of `{ranker.path}` has a history to compare with",
            "name its dataset with `--data NAME`",
        )
    scorer = RankerRows(ranker, resolver)
    own = scorer.logits(rows).values[kept]
    users = [scorer.users.get(rows[row]["user"], -1) + 1 for row in kept.tolist()]
    inputs = {
        "user": np.array(users, np.int64),
        "item": items,
        "history": graphs.padded_after(histories.take(which), longest),
    }
    return compare_rows(made, inputs, own)


def as_rows(ranker: Ranker, examples: Examples) -> list[Row]:
    """Examples as rows of ids, without the items of histories that the ranker does not know."""
    ids = [None] * FIRST + ranker.encoders.items.values.tolist()
    users, items = ranker.user_ids.tolist(), ranker.item_ids.tolist()
    return [
        {
            "user": str(users[user]),
            "item": str(items[item]),
            "history": [ids[code] for code in history if code >= FIRST],
        }
        for user, item, history in zip(
            examples.users.tolist(),
            examples.candidates.tolist(),
            examples.history.tolist(),
            strict=True,
        )
    ]


def export_table(ranker: Ranker, examples: Examples) -> Made:
    """The file of a run that was made of a table."""
    batch = to_batch(examples, torch.device("cpu"))
    inputs = inputs_of_table(batch)
    sizes: dict[str, Sequence[str]] = dict.fromkeys(inputs, (graphs.BATCH,))
    sizes |= {"history": (graphs.BATCH, graphs.LENGTH)}
    sizes |= {name: (graphs.BATCH, name) for name in inputs if name.startswith("tags")}
    few = {
        name: values[:2] if len(sizes[name]) == 1 else torch.ones((2, 3), dtype=torch.int64)
        for name, values in inputs.items()
    }
    made = graphs.graph_bytes(RowsOfTable(ranker).eval(), few, sizes, OUTPUTS, NO_LIMIT)
    arrays = {name: values.numpy() for name, values in inputs.items()}
    agreement = compare_rows(made, arrays, ranked(ranker, examples))
    rows = "\n".join(f'    "{name}": {in_python(values[:1])},' for name, values in few.items())
    return made, agreement, OF_TABLE.format(rows=rows)


def in_python(values: Tensor) -> str:
    """An array as one types it in Python."""
    if values.is_floating_point():
        return f"np.array({np.round(values.double().numpy(), 4).tolist()}, np.float32)"
    return f"np.array({values.tolist()})"


def inputs_of_table(batch: RankingBatch) -> dict[str, Tensor]:
    """The inputs of `RowsOfTable` by name."""
    features = batch.features
    found = {"item": batch.items, "history": batch.history}
    found |= {"dense": features.dense} if features.dense.shape[1] else {}
    found |= {"sparse": features.sparse} if features.sparse.shape[1] else {}
    return found | {f"tags_{n}": codes for n, codes in enumerate(features.tags)}


def compare_rows(
    made: bytes, inputs: dict[str, NDArray[Any]], own: NDArray[np.float32]
) -> graphs.Agreement:
    """Compare logits of rows with seqrec's.

    Raises:
        RunError: they differ.
    """
    logits, probabilities = graphs.session_of(made).run(None, inputs)
    expected = 1 / (1 + np.exp(-own.astype(np.float64)))
    gap = max(graphs.relative_gap(logits, own), graphs.relative_gap(probabilities, expected))
    return graphs.Agreement(len(own), gap, len(own)).check()


def described(encoders: Encoders) -> dict[str, Any]:
    """What the columns of `dense`, of `sparse` and of each of the tags hold."""
    return {
        "dense": [
            {
                "name": column.name,
                "scaling": column.scaling,
                "missing": column.missing,
                "numbers": column.numbers[1:].tolist(),
                "places": column.places[1:].tolist(),
            }
            for column in encoders.of(DenseEncoder)
        ],
        "sparse": [named_values(column) for column in encoders.of(SparseEncoder)],
        "tags": [named_values(column) for column in encoders.of(TagsEncoder)],
    }


def named_values(column: Vocabulary) -> dict[str, Any]:
    """The name of a column, and its values by code."""
    return {"name": column.name, "values": [None] * FIRST + column.values.tolist()}


OF_LOG = """`user`, int64 (batch,), is a user's place in `users.json`, and `item`, int64 (batch,),
a candidate's place in `items.json`; 0 is one who, or that, is not there. `history`, int64 (batch,
length), has places of items, oldest first, with zeros after the end of the shorter ones; the run
was trained on the latest {longest}. The features of users and items are in the file.

```python
import json
from pathlib import Path
import numpy as np
import onnxruntime

user = {{str(key): n for n, key in enumerate(json.loads(Path("users.json").read_text()))}}
item = {{str(key): n for n, key in enumerate(json.loads(Path("items.json").read_text()))}}
session = onnxruntime.InferenceSession("model.onnx")
candidates = [1, 2]  # [item[key] for key in ...]
history = [1, 2, 1]  # [item[key] for key in ...]
rows = {{
    "user": np.full(len(candidates), 0),  # user[...]
    "item": np.array(candidates),
    "history": np.tile(history, (len(candidates), 1)),
}}
logit, probability = session.run(None, rows)
print(logit, probability)
```"""

OF_TABLE = """`item`, int64 (batch,), is a candidate's place in `items.json`; 1 is one that is
not there. `history`, int64 (batch, length), has places of items, oldest first, with zeros after the
end of the shorter ones. The other inputs, as far as the run reads such columns, are in
`columns.json`:
`sparse`, int64 (batch, columns), has each value's place in `values`, 1 if it is not there;
`tags_0`, `tags_1`, …, int64 (batch, most), the same for each tag of a row, with zeros after the
end; `dense`, float32 (batch, columns), scaled numbers: with `quantile`
`(interp(x, numbers, places) - interp(-x, -numbers[::-1], -places[::-1])) / 2`, by `numpy.interp`;
with `z-score` `(x - numbers[0]) / numbers[1]`, between the `places`; `missing` for no number.

```python
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
rows = {{
{rows}
}}
logit, probability = session.run(None, rows)
print(logit, probability)
```"""


def how_to_rank(inputs: str, agreement: graphs.Agreement) -> str:
    """The README of the folder."""
    return f"""# A ranking model, exported by seqrec

`model.onnx` scores rows: `logit` and `probability`, float32 (batch,), of each. To rank candidates
for a history, give it a row for each of them.

{inputs}

onnxruntime was compared with seqrec on {agreement.compared:,} rows: the largest difference is
{agreement.difference:.1g}.
"""
