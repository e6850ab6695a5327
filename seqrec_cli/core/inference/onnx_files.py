"""A model as a folder for other runtimes: model.onnx, the ids beside it, and how to call it.

The folder is written only if onnxruntime gives what seqrec gives, for real histories.
"""

import importlib.util
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqrec_cli.core.data.sequences import Sequences
from seqrec_cli.core.inference.names import Catalogue
from seqrec_cli.core.inference.scoring import ModelScorer, Scored, Seen, score_all
from seqrec_cli.core.models.sequential.textbook import textbook
from seqrec_cli.core.storage import files
from seqrec_cli.core.storage.tensors import first_line
from seqrec_cli.errors import InputError, MissingExtra, RunError

TOLERANCE = 1e-4  # of a score, against the larger of 1 and the largest score
MODEL, IDS, README = "model.onnx", "items.json", "README.md"
TRIED = 64  # histories of a batch in the comparison


@dataclass(frozen=True)
class Agreement:
    """How onnxruntime agrees with seqrec.

    Attributes:
        histories: how many were compared.
        difference: the largest of two scores.
        same: how many lists have the same items in the same order.
    """

    histories: int
    difference: float
    same: int


def check_onnx() -> None:
    """Refuse to begin without the packages of the extra.

    Raises:
        MissingExtra: with the first that is missing.
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtra(package, "onnx")


def write_onnx(
    folder: Path,
    scorer: ModelScorer,
    catalogue: Catalogue,
    histories: Sequences,
    k: int,
    seen: Seen,
) -> Agreement:
    """Write the network of a scorer to a folder, after it was compared.

    Args:
        histories: real ones, to compare with.
        k: how many items are listed; 0: scores of all.

    Raises:
        ConfigError: the model cannot be exported.
        InputError: the folder has something in it.
        RunError: onnxruntime gives something else.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"`{folder}` exists already", "name a new folder: `--output FOLDER`")
    longest = scorer.model.max_length
    made = onnx_bytes(scorer.model, longest, k, seen)
    agreement = check_agreement(made, scorer, histories, longest, k, seen)
    files.write_bytes(folder / MODEL, made)
    files.write_json(folder / IDS, [None, *catalogue.item_ids.tolist()])
    files.write_text(folder / README, how_to_call(longest, k, seen, agreement))
    return agreement


def onnx_bytes(model: Any, longest: int, k: int, seen: Seen) -> bytes:
    """The ONNX file of a model: history int64 (batch, length) to scores, or to the best items."""
    plain = textbook(model, k, seen)
    example = torch.ones((2, min(3, longest)), dtype=torch.int64)
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length", max=longest)
    shapes = ({0: batch, 1: length} if longest > 1 else {0: batch},)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        try:
            program = torch.onnx.export(
                plain,
                (example,),
                dynamo=True,
                dynamic_shapes=shapes,
                input_names=["history"],
                output_names=["items", "scores"] if k else ["scores"],
                verbose=False,
            )
        except (RuntimeError, TypeError, ValueError, NotImplementedError) as error:
            raise RunError(
                f"torch cannot export this model: {first_line(error)}",
                "use `seqrec embed` for its vectors",
            ) from error
    assert program is not None
    made: bytes = program.model_proto.SerializeToString()
    return made


def check_agreement(
    made: bytes, scorer: ModelScorer, histories: Sequences, longest: int, k: int, seen: Seen
) -> Agreement:
    """Compare onnxruntime's answers with seqrec's.

    Raises:
        RunError: a score differs by more than TOLERANCE, or a list by more than a tie.
    """
    runtime = importlib.import_module("onnxruntime")
    session = runtime.InferenceSession(made, providers=["CPUExecutionProvider"])
    difference, same = 0.0, 0
    for start in range(0, len(histories), TRIED):
        rows = range(start, min(start + TRIED, len(histories)))
        # The file sees the latest items alone, so it cannot leave out older ones.
        batch = Sequences.from_lists([histories[row][-longest:].tolist() for row in rows])
        whole = all_scores(scorer, batch, seen if k else "include")
        found = session.run(None, {"history": padded_after(batch, longest)})
        if k:
            items, values = found
            own = np.take_along_axis(whole, items, axis=1)
            best = -np.sort(-whole, axis=1)[:, :k]
            same += int((np.argsort(-whole, axis=1, kind="stable")[:, :k] == items).all(1).sum())
            pairs: list[tuple[Any, Any]] = [(values, own), (values, best)]
        else:
            pairs = [(found[0][:, 1:], whole[:, 1:])]
            same += len(batch)
        for left, right in pairs:
            there = np.isfinite(left) | np.isfinite(right)
            scale = max(1.0, float(np.abs(right[np.isfinite(right)]).max(initial=1.0)))
            gap = np.abs(left[there] - right[there]).max(initial=0.0)
            difference = max(difference, float(gap) / scale)
    if not difference <= TOLERANCE:
        raise RunError(
            f"onnxruntime gives other scores than seqrec, by up to {difference:.2g}: nothing was "
            "written",
            "please report this, with the run's experiment.yaml",
        )
    return Agreement(len(histories), difference, same)


def all_scores(scorer: ModelScorer, histories: Sequences, seen: Seen) -> NDArray[np.float32]:
    """The scores of all items for each history, float32 (B, N + 1), by the one path."""
    scores = np.empty((len(histories), scorer.num_items + 1), np.float32)

    def keep(scored: Scored) -> None:
        scores[scored.rows] = scored.scores.numpy()

    for _ in score_all(scorer, histories, seen, keep):
        pass
    return scores


def padded_after(histories: Sequences, longest: int) -> NDArray[np.int64]:
    """The latest items of each history, oldest first, int64 (B, L), with 0 after its end."""
    latest = [history[-longest:] for history in histories]
    rows = np.zeros((len(latest), max(map(len, latest))), np.int64)
    for row, history in zip(rows, latest, strict=True):
        row[: len(history)] = history
    return rows


def how_to_call(longest: int, k: int, seen: Seen, agreement: Agreement) -> str:
    """The README of the folder."""
    outputs = (
        "`items`, int64 (batch, k), and `scores`, float32 (batch, k), best first"
        if k
        else "`scores`, float32 (batch, items + 1); column 0 is padding and means nothing"
    )
    left_out = (
        "Items in `history` are left out; older ones, which it does not see, are not.\n"
        if k and seen == "exclude"
        else ""
    )
    last = "items[0]" if k else "(-scores[0][1:]).argsort()[:10] + 1"
    names = "items, scores" if k else "(scores,)"
    return f"""# A sequential recommender, exported by seqrec

`{MODEL}` takes `history`, int64 (batch, length): numbers of items, oldest first, with zeros after
the end of the shorter ones; at most the {longest} latest items of each. It gives {outputs}.
{left_out}
`{IDS}` is a list: item number n has the id at place n; place 0 is empty.

```python
import json
import numpy as np
import onnxruntime

ids = json.load(open("{IDS}"))
number = {{str(key): n for n, key in enumerate(ids)}}
session = onnxruntime.InferenceSession("{MODEL}")
history = np.array([[1, 2, 3]])  # [number[key] for key in ...]
{names} = session.run(None, {{"history": history}})
print([ids[n] for n in {last}])
```

onnxruntime was compared with seqrec on {agreement.histories:,} histories: the largest difference
of two scores is {agreement.difference:.1g}; rules, popularity and a second stage are not in here.
"""
