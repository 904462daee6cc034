"""What holds for one run of the command line, wherever among the arguments it was said."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass
class Invocation:
    """``--home`` and ``--debug`` may stand before the command or after it; the last one said holds."""

    home: Path | None = None
    debug: bool = False
