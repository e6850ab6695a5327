"""Calls that torch does not promise to keep stand in one file."""

import ast
from collections.abc import Iterator
from pathlib import Path

import seqrec_cli

PACKAGE = Path(seqrec_cli.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
THE_LIST = PACKAGE / "core" / "kernels" / "private.py"


def private_calls(source: str) -> Iterator[str]:
    """Names below `torch` that begin with an underscore, or are those of its operators."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        dotted = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
        modules = []
        if isinstance(node, ast.ImportFrom):
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        for name in (dotted, *modules):
            root, *rest = name.split(".")
            dunder = [part for part in rest if part.startswith("__")]
            hidden = [part for part in rest if part.startswith("_")]
            if root == "torch" and not dunder and (hidden or "ops" in rest):
                yield name


def test_the_scan_finds_what_it_should() -> None:
    source = """
import torch, torch._dynamo
from torch import _C
from torch.ops import aten
torch._foreach_add_([a], [b])
torch.ops.aten.tanh_backward(a, b)
torch.nn.functional._threshold(a)
torch.__version__
torch.softmax(a, -1)
"""
    found = set(private_calls(source))
    assert {"torch._dynamo", "torch._C", "torch.ops.aten", "torch._foreach_add_"} <= found
    assert {"torch.ops.aten.tanh_backward", "torch.nn.functional._threshold"} <= found
    assert not {"torch.__version__", "torch.softmax"} & found


def test_no_other_file_has_any() -> None:
    sources = {path: path.read_text() for path in FILES if path != THE_LIST}
    found = {path: set(private_calls(text)) for path, text in sources.items() if "torch" in text}
    assert len(found) > 40
    assert {path: calls for path, calls in found.items() if calls} == {}


def test_the_list_is_no_longer_than_needed() -> None:
    found = set(private_calls(THE_LIST.read_text()))
    leaves = {name for name in found if not any(other.startswith(f"{name}.") for other in found)}
    assert leaves == {
        "torch._fused_adam_",
        "torch.onnx.ops.symbolic",
        "torch._higher_order_ops.scan.scan",
    }
