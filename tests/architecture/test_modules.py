"""Every module says what it is for, and none grows past what can be read in one sitting."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.source import FILES, name, tree

MOST_LINES = 350
MOST_FUNCTION_LINES = 50


@pytest.mark.parametrize("path", FILES, ids=name)
def test_module_has_a_docstring_and_a_readable_size(path: Path) -> None:
    assert ast.get_docstring(tree(path)), "no docstring"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


# A migration is one list of statements, as long as the tables are many.
@pytest.mark.parametrize("path", [path for path in FILES if path.parent.name != "versions"], ids=name)
def test_functions_have_a_readable_size(path: Path) -> None:
    sizes = {
        node.name: (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert not {function: size for function, size in sizes.items() if size > MOST_FUNCTION_LINES}
