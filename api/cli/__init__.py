"""The ``dateline`` command. Importing this imports nothing else; every command imports what it needs when it runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; ``arguments`` are those of the process when None."""
    from api.cli.failures import guarded

    return guarded(list(sys.argv[1:] if arguments is None else arguments))
