"""What computed a collection's vectors, as it is remembered and compared with the settings."""

from __future__ import annotations

import pytest

from qa.library.embedding import adding, only_by


@pytest.mark.parametrize(
    ("used", "backend", "after"),
    [
        ("", "onnx-int8", "onnx-int8"),
        ("onnx-int8", "onnx-int8", "onnx-int8"),
        ("onnx-int8", "torch float32", "onnx-int8, torch float32"),
        ("onnx-int8, torch float32", "onnx-int8", "onnx-int8, torch float32"),
        # Not chosen yet: better than nothing, and gone once it is.
        ("", "auto", "auto"),
        ("auto", "torch-bfloat16", "torch-bfloat16"),
        ("onnx-int8", "auto", "onnx-int8"),
    ],
)
def test_what_computed_is_remembered_in_order(used: str, backend: str, after: str) -> None:
    assert adding(used, backend) == after


@pytest.mark.parametrize(
    ("used", "asked", "same"),
    [
        ("onnx-int8", "onnx-int8", True),
        ("onnx-int8", "auto", True),
        ("onnx-int8, torch float32", "auto", True),
        ("onnx-int8, torch float32", "onnx-int8", False),
        ("torch float32", "torch", True),
        ("torch-bfloat16", "torch", False),
        ("auto", "onnx-int8", False),
        ("", "torch", True),
    ],
)
def test_vectors_are_as_asked_for_when_nothing_else_computed_any(used: str, asked: str, same: bool) -> None:
    assert only_by(used, asked) is same
