"""Pure: how many lines a user of a peer writes, counted from the runner's source."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable

_NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def count(source: str, roots: Iterable[str]) -> int:
    """Lines of code of the definitions called ``roots`` and of all that they use of the module, imports included.

    Blank lines, comments and docstrings do not count. Raises ``KeyError`` for a root that is not defined.
    """
    tree = ast.parse(source)
    defined = {name: node for node in tree.body for name in _names(node)}
    waiting, used = list(roots), set[ast.stmt]()
    for name in waiting:
        if name not in defined:
            raise KeyError(name)
    while waiting:
        node = defined.get(waiting.pop())
        if node is not None and node not in used:
            used.add(node)
            waiting += [one.id for one in ast.walk(node) if isinstance(one, ast.Name)]
    spans = [(node.lineno, node.end_lineno or node.lineno) for node in used]
    return sum(any(start <= line <= end for start, end in spans) for line in _code(source) - _docstrings(tree))


def _names(node: ast.stmt) -> list[str]:
    """What a statement of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    # What the bench lends its runners is no work of a user's.
    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests."):
        return []
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [one.asname or one.name.split(".")[0] for one in node.names]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []


def _code(source: str) -> set[int]:
    """The numbers of the lines that hold more than comments."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {line for token in tokens if token.type not in _NO_CODE for line in range(token.start[0], token.end[0] + 1)}


def _docstrings(tree: ast.Module) -> set[int]:
    """The numbers of the lines of docstrings."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            first = node.body[0]
            found.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return found
