"""Training on several processes, which compute the same as one.

A batch is cut into parts that do not depend on who computes them, and everything random is keyed by
(seed, epoch, step, part). So each worker takes every W-th part, and after each step all of them
have the sum of the gradients and change their own copy of the weights by it. Added part by part in
their order, these are the bytes of one process; added all at once, they differ by rounding.

Torch's elastic agent (torchrun, or `seqrec train --workers`) starts the workers and starts them
again after one has died; the last checkpoint is where they go on.
"""

import contextlib
import datetime
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor

from seqrec_cli.core.models.shards import Shard
from seqrec_cli.errors import ConfigError, TrainingError

# What a part of a batch adds to its loss, and to the gradient of each parameter.
Found = tuple[float, list[Tensor]]

TIMEOUT = 600.0  # seconds that a worker waits for another before it counts as hung


class WorkerLost(TrainingError):
    """Another worker died or hangs."""


class Team:
    """The workers of a training; by itself, the one there is.

    Attributes:
        rank, size: which of how many this one is.
        exact: whether gradients are added in the order of one process.
        wanted: the signal that this worker has received; 0: none.
        stopping: the signal that all of them stop for after this step; 0: none.
    """

    def __init__(
        self,
        rank: int = 0,
        size: int = 1,
        exact: bool = True,
        device: torch.device | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self.rank = rank
        self.size = size
        self.exact = exact
        self.device = device or torch.device("cpu")
        self.timeout = timeout
        self.wanted = 0
        self.stopping = 0
        self.seconds = 0.0

    @property
    def leads(self) -> bool:
        """Whether this one prints and writes."""
        return self.rank == 0

    def clock(self) -> float:
        """Seconds; the same for all of them since they last agreed."""
        return time.monotonic() if self.size == 1 else self.seconds

    def agree(self) -> None:
        """Agree on the time, which is the first one's, and on whether to stop."""
        if self.size == 1:
            return
        told = [float(self.wanted), time.monotonic() if self.leads else -1.0]
        shared = torch.tensor(told, dtype=torch.float64, device=self.device)
        with self.waiting():
            dist.all_reduce(shared, dist.ReduceOp.MAX)
        self.stopping, self.seconds = int(shared[0]), float(shared[1])

    def own(self, parts: int) -> range:
        """The numbers of the parts that are this one's."""
        return range(self.rank, parts, self.size)

    def total(
        self, found: Mapping[int, Found], parts: int, parameters: Sequence[Tensor]
    ) -> tuple[float, list[Tensor]]:
        """The batch's loss and gradients: what all parts add, of which `found` has one's own."""
        if self.size == 1:
            return add_all([found[number] for number in range(parts)])
        if not self.exact:
            return self.total_at_once(found, parameters)
        whole: Found | None = None
        for number in range(parts):
            one = self.sent(found.get(number), number % self.size, parameters)
            whole = one if whole is None else add_all([whole, one])
        assert whole is not None
        return whole

    def total_at_once(
        self, found: Mapping[int, Found], parameters: Sequence[Tensor]
    ) -> tuple[float, list[Tensor]]:
        """The same sum in the order that is fastest; sparse gradients come worker by worker."""
        own = add_all([found[number] for number in sorted(found)]) if found else None
        sparse = torch.tensor(
            [bool(own and own[1][n].is_sparse) for n in range(len(parameters))],
            dtype=torch.int32,
            device=self.device,
        )
        loss = torch.tensor([own[0] if own else 0.0], dtype=torch.float64, device=self.device)
        with self.waiting():
            dist.all_reduce(sparse, dist.ReduceOp.MAX)
            dist.all_reduce(loss)
        total: list[Tensor] = []
        for number, parameter in enumerate(parameters):
            gradient = own[1][number] if own else None
            if sparse[number]:
                total.append(self.add_sparse(gradient, parameter))
                continue
            # One call a parameter: the tables, which are nearly all of it, need no second copy.
            dense = torch.zeros_like(parameter) if gradient is None else gradient.contiguous()
            with self.waiting():
                dist.all_reduce(dense)
            total.append(dense)
        return float(loss), total

    def add_sparse(self, gradient: Tensor | None, parameter: Tensor) -> Tensor:
        """The sum of all workers' sparse gradients of a parameter."""
        total = None
        for rank in range(self.size):
            own = (0.0, [gradient]) if rank == self.rank and gradient is not None else None
            nothing = torch.zeros_like(parameter[:0]).to_sparse(1)
            empty = torch.sparse_coo_tensor(
                nothing.indices(), nothing.values(), parameter.shape, check_invariants=False
            )
            mine = own or ((0.0, [empty]) if rank == self.rank else None)
            (one,) = self.sent(mine, rank, [parameter])[1]
            total = one if total is None else joined([total, one])
        assert total is not None
        return total

    def sent(self, found: Found | None, owner: int, parameters: Sequence[Tensor]) -> Found:
        """What `owner` has, for everybody.

        Of a sparse gradient the rows in use are sent, as they are: sums depend on their order.
        """
        head = torch.zeros(1 + len(parameters), dtype=torch.float64)
        if found is not None:
            kinds = [2 * g._nnz() + g.is_coalesced() if g.is_sparse else -1 for g in found[1]]
            head = torch.tensor([found[0], *kinds], dtype=torch.float64)
        loss, *kinds = self.spread(head.to(self.device), owner).tolist()
        own: Sequence[Tensor | None] = [None] * len(parameters) if found is None else found[1]
        pairs = list(zip(kinds, parameters, own, strict=True))
        gradients: list[Tensor] = [p for _, p, _ in pairs]
        dense = [n for n, (kind, _, _) in enumerate(pairs) if kind < 0]
        for dtype in dict.fromkeys(parameters[n].dtype for n in dense):
            names = [n for n in dense if parameters[n].dtype == dtype]
            sizes = [parameters[n].numel() for n in names]
            flat = torch.empty(sum(sizes), dtype=dtype, device=self.device)
            for piece, n in zip(torch.split(flat, sizes), names, strict=True):
                if (gradient := own[n]) is not None:
                    piece.copy_(gradient.reshape(-1))
            for piece, n in zip(torch.split(self.spread(flat, owner), sizes), names, strict=True):
                gradients[n] = piece.view(parameters[n].shape)
        for n, (kind, parameter, gradient) in enumerate(pairs):
            if kind >= 0:
                gradients[n] = self.sent_sparse(gradient, owner, parameter, int(kind))
        return loss, gradients

    def sent_sparse(
        self, gradient: Tensor | None, owner: int, parameter: Tensor, kind: int
    ) -> Tensor:
        """A sparse gradient with `kind` // 2 rows, coalesced if `kind` is odd, for everybody."""
        rows = kind // 2
        if gradient is None:
            indices = torch.empty(1, rows, dtype=torch.int64, device=self.device)
            values = parameter.new_empty(rows, *parameter.shape[1:])
        else:
            indices, values = gradient._indices().contiguous(), gradient._values().contiguous()
        if rows:
            indices, values = self.spread(indices, owner), self.spread(values.detach(), owner)
        return torch.sparse_coo_tensor(
            indices, values, parameter.shape, is_coalesced=bool(kind % 2), check_invariants=False
        )

    def spread(self, tensor: Tensor, owner: int) -> Tensor:
        """The owner's tensor, for everybody; the others' memory is used for it."""
        with self.waiting():
            dist.broadcast(tensor, src=owner)
        return tensor

    def told(self, flag: bool) -> bool:
        """What the first one says, for everybody."""
        return bool(self.add(np.array([flag and self.leads], np.int64))[0])

    def add(self, array: NDArray[np.int64]) -> NDArray[np.int64]:
        """The sum of everybody's arrays."""
        if self.size == 1:
            return array
        tensor = torch.from_numpy(array).to(self.device)
        with self.waiting():
            dist.all_reduce(tensor)
        return tensor.cpu().numpy()

    def share_state(self, tensors: Mapping[str, Tensor], facts: dict[str, Any]) -> dict[str, Any]:
        """Make everybody's tensors and facts those of the first one; returns the facts."""
        if self.size == 1:
            return facts
        text = np.frombuffer(json.dumps(facts).encode(), np.uint8).astype(np.int64)
        (length,) = self.add(np.array([len(text) if self.leads else 0])).tolist()
        sent = text if self.leads else np.zeros(length, np.int64)
        shared: dict[str, Any] = json.loads(self.add(sent).astype(np.uint8).tobytes())
        for name in sorted(tensors):
            tensor = tensors[name].detach()
            own = tensor.to(self.device).contiguous()
            tensor.copy_(self.spread(own, 0))
        return shared

    def check_same(self, facts: Mapping[str, str]) -> None:
        """Refuse workers that do not train the same.

        Raises:
            ConfigError: a fact differs from that of the first one.
        """
        if self.size == 1:
            return
        digests = [hashlib.sha256(value.encode()).digest() for value in facts.values()]
        own = np.zeros((self.size, len(digests), 32), np.int64)
        own[self.rank] = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32)
        everybody = self.add(own)
        for rank in range(1, self.size):
            for number, name in enumerate(facts):
                if (everybody[rank, number] != everybody[0, number]).any():
                    raise ConfigError(
                        f"worker {rank} has another {name} than worker 0",
                        "start all workers with the same command, versions and files",
                    )

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Say in a sentence that another worker died or hangs.

        Raises:
            WorkerLost: it did.
        """
        try:
            yield
        except RuntimeError as error:
            if "imed out" in str(error) or "imeout" in str(error):
                what = f"worker {self.rank} has waited {self.timeout:g} s for another, which hangs"
            else:
                what = f"worker {self.rank} has lost another one, which has ended"
            raise WorkerLost(what, "go on from the last checkpoint: `--resume RUN`") from error


ALONE = Team()


def add_all(found: Sequence[Found]) -> Found:
    """The sum of losses and gradients in their order; takes the first one's tensors for it."""
    return sum(loss for loss, _ in found), add_up([gradients for _, gradients in found])


def add_up(gradients: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """The sum over parts, for each parameter; takes the first part's tensors for it."""
    total: list[Tensor] = []
    for first, *others in zip(*gradients, strict=True):
        if first.is_sparse:
            total.append(joined([first, *others]))
            continue
        for other in others:
            first.add_(other)
        total.append(first)
    return total


def joined(gradients: Sequence[Tensor]) -> Tensor:
    """The sum of sparse gradients: their rows one after the other.

    Torch's own `+` mixes them in an order that depends on all of them. So what becomes of a row
    depends on no other one, and several workers may each add up some of the rows.
    """
    if len(gradients) == 1:
        return gradients[0]
    return torch.sparse_coo_tensor(
        torch.cat([gradient._indices() for gradient in gradients], 1),
        torch.cat([gradient._values() for gradient in gradients]),
        gradients[0].shape,
        is_coalesced=False,
        check_invariants=False,
    )


def is_worker() -> bool:
    """Whether an agent has started this process as one of several."""
    size = os.environ.get("WORLD_SIZE", "1")
    return "RANK" in os.environ and size.isdecimal() and int(size) > 1


def leads() -> bool:
    """Whether this process is the one that prints and writes."""
    return not is_worker() or os.environ["RANK"] == "0"


def own_shard() -> Shard:
    """The rows of shared tables that this worker has."""
    return Shard(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))


def restarts() -> int:
    """How often the agent has started the workers again."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


def meet_workers(device: torch.device, exact: bool = True, timeout: float = TIMEOUT) -> Team:
    """Meet the other workers, as the agent's environment says.

    Raises:
        WorkerLost: they did not come.
    """
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    team = Team(rank, size, exact, device, timeout)
    backend = "nccl" if device.type == "cuda" else "gloo"
    with team.waiting():
        dist.init_process_group(
            backend,
            timeout=datetime.timedelta(seconds=timeout),
            device_id=device if device.type == "cuda" else None,  # nccl would guess, and say so
        )
        dist.barrier()
    return team


def leave() -> None:
    """Part from the other workers."""
    if dist.is_initialized():
        dist.destroy_process_group()
