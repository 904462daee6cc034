"""A real PostgreSQL server on a loopback socket."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INITDB, POSTGRES = shutil.which("initdb"), shutil.which("pg_ctl")


@contextmanager
def postgres_server(folder: Path) -> Iterator[str]:
    """The SQLAlchemy URL of an empty database of a server in ``folder``; it is stopped at the end."""
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # The server refuses to be root, and then needs a way to its folder.
    as_other: list[str] = []
    if os.geteuid() == 0:
        as_other = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        shutil.chown(folder, "nobody", "nogroup")
        for parent in folder.parents:
            if parent.stat().st_uid == 0 and parent != parent.parent:
                parent.chmod(parent.stat().st_mode | 0o011)
    data = folder / "data"

    def run(*command: str | Path | None) -> None:
        subprocess.run([*as_other, *map(str, command)], check=True, capture_output=True, cwd=folder)

    run(INITDB, "-D", data, "-U", "dateline", "-A", "trust", "-E", "UTF8", "--no-sync")
    told = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    run(POSTGRES, "-D", data, "-l", folder / "log.txt", "-o", told, "-w", "start")
    try:
        yield f"postgresql+psycopg://dateline@127.0.0.1:{port}/postgres"
    finally:
        run(POSTGRES, "-D", data, "-m", "immediate", "stop")
