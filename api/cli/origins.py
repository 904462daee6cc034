"""Which settings hold, and where each came from."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qa.settings import Settings

_CREDENTIALS = re.compile(r"(?<=//)[^/@\s]+(?=@)")


@dataclass(frozen=True, slots=True)
class Origin:
    """A setting: its variable, its value as text (secrets covered, "" for none), and where it came from: ``option``,
    ``environment``, ``.env`` or ``default``."""

    variable: str
    value: str
    source: str


def origins(settings: Settings, options: Mapping[str, Any]) -> list[Origin]:
    """Every setting, in the order of the class. ``options`` are what was said on the command line, None for nothing."""
    from qa.settings import PREFIX, find_env_file

    environment = {name.upper() for name, value in os.environ.items() if value}
    in_file = {name.upper() for name, value in _read(find_env_file()).items() if value}
    found = []
    for name in type(settings).model_fields:
        variable = PREFIX + name.upper()
        if options.get(name) is not None:
            source = "option"
        elif variable in environment:
            source = "environment"
        else:
            source = ".env" if variable in in_file else "default"
        found.append(Origin(variable, _shown(getattr(settings, name)), source))
    return found


def _read(env_file: Path | None) -> Mapping[str, str | None]:
    from dotenv import dotenv_values

    return dotenv_values(env_file) if env_file else {}


def _shown(value: Any) -> str:
    if value in (None, ()):
        return ""
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return _CREDENTIALS.sub("***", text)
