"""Weights in a file as torch saves them, read as data: nothing is imported and nothing is called.

Such a file is a zip. `data.pkl` in it says what the tensors are called, their shapes and which
storage each looks into; a storage is a member of plain numbers (PyTorch, "Serialization
semantics"). `data.pkl` is a program for a machine with a stack that could call anything. Here it is
a list of steps, as the standard library's disassembler gives them, of which only those are known
that a dictionary of tensors needs; a name of a function is a text that is compared.
"""

import os
import pickletools
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, BinaryIO

import torch
from torch import Tensor

LARGEST_PROGRAM = 4 << 20  # bytes; a hundred thousand tensors
LARGEST_COUNT = 1 << 40
MOST_SIZES = 64  # of a tensor
SHARED = 2  # times the file: tensors may look into one storage
DTYPES = {
    "torch.FloatStorage": torch.float32,
    "torch.DoubleStorage": torch.float64,
    "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16,
    "torch.LongStorage": torch.int64,
    "torch.IntStorage": torch.int32,
    "torch.ShortStorage": torch.int16,
    "torch.CharStorage": torch.int8,
    "torch.ByteStorage": torch.uint8,
    "torch.BoolStorage": torch.bool,
}
VALUES = frozenset(
    {"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"}
    | {"BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}
)
MADE: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
}
# What reading a damaged or a hostile archive may raise.
DAMAGE = (
    *(OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError),
    *(zipfile.BadZipFile, NotImplementedError, RuntimeError, OverflowError, UnicodeError),
)


class Name(str):
    """What the program calls a class or a function."""


@dataclass(frozen=True)
class Storage:
    """Numbers in a member of the archive."""

    key: str
    dtype: torch.dtype


@dataclass(frozen=True)
class View:
    """A tensor: a look into a storage, from `offset` on, with sizes and steps."""

    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


def read_archive(file: BinaryIO) -> dict[str, Tensor]:
    """The tensors of an open archive by name.

    Raises:
        DAMAGE: it holds something else, or claims more than the file has.
    """
    left = os.fstat(file.fileno()).st_size
    most = SHARED * left
    with zipfile.ZipFile(file) as archive:
        members = {member.filename: member for member in archive.infolist()}
        (program,) = (name for name in members if name.split("/")[1:] == ["data.pkl"])
        root = program.removesuffix("data.pkl")
        contents: dict[str, bytearray] = {}  # each storage once, however many look into it

        def content(name: str, most: int) -> bytearray:
            nonlocal left
            if name not in contents:
                member = members[root + name]
                if member.compress_type != zipfile.ZIP_STORED or member.file_size > min(left, most):
                    raise ValueError(f"`{name}` in it claims more than the file has")
                left -= member.file_size
                contents[name] = bytearray(archive.read(member))
            return contents[name]

        if f"{root}byteorder" in members and content("byteorder", 16) != b"little":
            raise ValueError("its numbers are not in the order of this machine")
        found: dict[str, Tensor] = {}
        for name, view in views_in(bytes(content("data.pkl", LARGEST_PROGRAM))).items():
            check_sizes(view)
            most -= prod(view.size) * view.storage.dtype.itemsize
            if most < 0:
                raise ValueError("its tensors claim more than the file has")
            numbers = content(f"data/{view.storage.key}", LARGEST_COUNT)
            found[name] = looked_at(view, numbers)
    return found


def check_sizes(view: View) -> None:
    """Refuse sizes and steps that are no counts, or too many.

    Raises:
        ValueError: they are.
    """
    counts = (view.offset, *view.size, *view.stride)
    if len(view.size) > MOST_SIZES or not all(
        type(number) is int and 0 <= number < LARGEST_COUNT for number in counts
    ):
        raise ValueError("a tensor in it has no size")
    if len(view.size) != len(view.stride):
        raise ValueError("a tensor in it has other sizes than steps")


def looked_at(view: View, numbers: bytearray) -> Tensor:
    """The tensor that a view is of these numbers."""
    count = len(numbers) // view.storage.dtype.itemsize
    if not prod(view.size):
        return torch.empty(view.size, dtype=view.storage.dtype)
    steps = zip(view.size, view.stride, strict=True)
    last = view.offset + sum((size - 1) * step for size, step in steps)
    if last >= count or prod(view.size) > count:
        raise ValueError("a tensor in it looks beyond its storage")
    whole = torch.frombuffer(numbers, dtype=view.storage.dtype)
    return whole.as_strided(view.size, view.stride, view.offset).clone()


def views_in(program: bytes) -> dict[str, View]:
    """The tensors of a dictionary by name, as a program says that makes one.

    Raises:
        ValueError, TypeError, KeyError, IndexError: it makes something else.
    """
    machine = Machine()
    for step, argument, _ in pickletools.genops(program):
        machine.do(step.name, argument)
    (found,) = machine.stack
    if not isinstance(found, dict) or not found:
        raise ValueError("it is no dictionary of tensors")
    strange = [key for key, value in found.items() if not (type(key) is str and is_view(value))]
    if strange:
        raise ValueError(f"`{told_briefly(strange[0])}` in it is no tensor")
    return found


class Machine:
    """What a program has put together so far, of plain values, names and views."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.kept: list[Any] = []

    def do(self, step: str, argument: Any) -> None:
        """Do a step.

        Raises:
            ValueError: none that weights need.
        """
        if step in VALUES:
            self.stack.append(argument)
        elif step in MADE:
            self.stack.append(MADE[step]())
        elif step in STEPS:
            STEPS[step](self, argument)
        elif step == "NEWOBJ":
            called = next((each for each in reversed(self.stack) if isinstance(each, Name)), "")
            raise ValueError(f"it has a whole object, `{called[:60]}`, and not its weights alone")
        else:
            raise ValueError(f"it has a step `{step}`, which weights do not need")

    def nothing(self, _: Any) -> None:
        """A step that says nothing of the values."""

    def take_name(self, name: str) -> None:
        self.stack.append(Name(name.replace(" ", ".")))

    def take_two_names(self, _: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.stack.append(Name(f"{told_briefly(module)}.{told_briefly(name)}"))

    def mark(self, _: Any) -> None:
        self.marks.append(len(self.stack))

    def since_mark(self) -> list[Any]:
        return self.last(len(self.stack) - self.marks.pop())

    def last(self, count: int) -> list[Any]:
        if not 0 <= count <= len(self.stack):
            raise IndexError("it takes more than it has")
        taken = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return taken

    def tuple(self, _: Any) -> None:
        self.stack.append((*self.since_mark(),))

    def tuple_of(self, count: int) -> None:
        self.stack.append((*self.last(count),))

    def keep(self, place: int | None) -> None:
        if place not in (None, len(self.kept)):
            raise ValueError("it was not saved by torch")
        self.kept.append(self.stack[-1])

    def get(self, place: int) -> None:
        self.stack.append(self.kept[place])

    def storage(self, _: Any) -> None:
        self.stack.append(storage_of(self.stack.pop()))

    def call(self, _: Any) -> None:
        arguments, called = self.stack.pop(), self.stack.pop()
        self.stack.append(made_by(called, arguments))

    def set_one(self, _: Any) -> None:
        self.set_pairs(self.last(2))

    def set_all(self, _: Any) -> None:
        self.set_pairs(self.since_mark())

    def set_pairs(self, pairs: list[Any]) -> None:
        """Set keys to values; to hash tuples within tuples could take for ever."""
        if not all(isinstance(key, str | int) for key in pairs[::2]):
            raise ValueError("what it names has other names than texts")
        self.stack[-1].update(zip(pairs[::2], pairs[1::2], strict=True))

    def leave_out(self, _: Any) -> None:
        """What is set on a dictionary beside its items: which version each layer is of."""
        self.stack.pop()


STEPS: dict[str, Callable[[Machine, Any], None]] = {
    **dict.fromkeys(("PROTO", "FRAME", "STOP"), Machine.nothing),
    "GLOBAL": Machine.take_name,
    "STACK_GLOBAL": Machine.take_two_names,
    "MARK": Machine.mark,
    "TUPLE": Machine.tuple,
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT", "MEMOIZE"), Machine.keep),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), Machine.get),
    "BINPERSID": Machine.storage,
    "REDUCE": Machine.call,
    "SETITEM": Machine.set_one,
    "SETITEMS": Machine.set_all,
    "BUILD": Machine.leave_out,
}


def is_view(value: Any) -> bool:
    return isinstance(value, View)


def told_briefly(value: Any) -> str:
    """A value for people; what holds others may be too long to spell."""
    return str(value)[:60] if isinstance(value, str | int) else type(value).__name__


def storage_of(told: Any) -> Storage:
    """What the program means by a storage: its type, the name of the member, where it was."""
    kind, storage, key, *_ = told
    known = isinstance(storage, Name) and storage in DTYPES
    if kind != "storage" or not known or not key.isdecimal():
        raise ValueError(f"it has a storage of `{told_briefly(storage)}`")
    return Storage(key, DTYPES[storage])


def made_by(called: Any, arguments: Any) -> Any:
    """What a function of torch would make of these arguments, if it is one of three."""
    if isinstance(called, Name) and isinstance(arguments, tuple):
        if called == "collections.OrderedDict" and not arguments:
            return {}
        if called == "torch._utils._rebuild_tensor_v2":
            storage, offset, size, stride, *_ = arguments
            if isinstance(storage, Storage):
                return View(storage, offset, tuple(size), tuple(stride))
        if called == "torch._utils._rebuild_parameter":
            return arguments[0]
    raise ValueError(f"it would call `{told_briefly(called)}`, which weights do not need")
