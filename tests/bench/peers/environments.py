"""The peers' environments: one for each, made once by pip from its pinned requirements, kept, and found again.

An environment is named after what it holds, so another list of requirements is another environment. To take newer
releases: install what the first line of a list names into an empty environment, beside the torch of
``constraints.txt``, and write down what ``pip freeze`` says, without local labels (``+cpu``).
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.bench.peers.protocol import Failed
from tests.bench.retrieval_homes import cache

REQUIREMENTS = Path(__file__).with_name("requirements")
_DONE = "installed"


def folder() -> Path:
    """Where environments, vectors and indexes of peers are kept."""
    return cache() / "peers"


def python_of(peer: str) -> Path:
    """The interpreter of a peer's environment, which is made where it is not there; Dateline's own for Dateline.

    Raises ``Failed`` with what pip said last.
    """
    listed = REQUIREMENTS / f"{peer}.txt"
    if not listed.exists():
        return Path(sys.executable)
    digest = hashlib.blake2b(listed.read_bytes() + sys.version.encode(), digest_size=6).hexdigest()
    made = folder() / f"env-{peer}-{digest}"
    python = made / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not (made / _DONE).exists():
        print(f"Installing {peer} into {made}, once ...", file=sys.stderr, flush=True)
        shutil.rmtree(made, ignore_errors=True)
        # Without a pip of its own: the one that runs here fills it.
        _run([sys.executable, "-m", "venv", "--without-pip", str(made)])
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
        _run([*pip, "install", "--quiet", "--requirement", str(listed)])
        (made / _DONE).touch()
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Failed(f"pip: {said[-1] if said else f'exit code {done.returncode}'}")
