"""``dateline eval --compare A.json B.json``."""

from __future__ import annotations

import json as json_module
from dataclasses import asdict
from pathlib import Path
from typing import Any

from api.cli.evaluate_show import show_comparison
from api.cli.output import print_json, stdout
from qa.errors import InputError
from qa.evaluation.comparing import compare


def compare_files(before: Path, after: Path, *, json: bool) -> None:
    """Print what changed. Raises ``InputError`` for files that are not what ``eval --json`` prints."""
    names = (str(before), str(after))
    found = compare(_read(before), _read(after), names=names)
    if not json:
        show_comparison(stdout(), found, names)
        return
    changes = [
        {"metric": one.name, "before": one.before, "after": one.after, **asdict(one.paired), "verdict": one.verdict}
        for one in found.changes
    ]
    told = {"before": names[0], "after": names[1], "changes": changes}
    print_json({**told, "only_before": found.only_before, "only_after": found.only_after})


def _read(path: Path) -> Any:
    try:
        return json_module.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except (ValueError, RecursionError):
        raise InputError("this is not JSON", where=str(path)) from None
