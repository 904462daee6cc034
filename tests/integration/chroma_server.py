"""A real Chroma server on a loopback socket."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx


@contextmanager
def chroma_server(folder: Path) -> Iterator[str]:
    """The URL of a server that keeps its collections in ``folder``; it is stopped at the end."""
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [Path(sys.executable).with_name("chroma"), "run", "--path", folder, "--host", "127.0.0.1", "--port", port]
    with (
        (folder / "log.txt").open("w") as log,
        subprocess.Popen([str(part) for part in command], stdout=log, stderr=log, cwd=folder) as process,
    ):
        try:
            _wait_for(process, url)
            yield url
        finally:
            process.terminate()


def _wait_for(process: subprocess.Popen[bytes], url: str) -> None:
    end = time.monotonic() + 60
    while True:
        assert process.poll() is None, "the Chroma server ended"
        assert time.monotonic() < end, "the Chroma server does not answer"
        try:
            if httpx.get(f"{url}/api/v2/heartbeat").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
