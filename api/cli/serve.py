"""``dateline serve``: the HTTP service."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.options import DebugOption, HomeOption, examples, settings_for

EXAMPLES = examples(
    "dateline serve",
    "dateline serve --port 8080 --home newsroom",
    "DATELINE_API_KEYS_FILE=keys.jsonl dateline serve --host 0.0.0.0",
    'dateline ask "Who won the election?" --server http://127.0.0.1:8000',
)


def serve(
    host: Annotated[
        str | None,
        typer.Option(
            "--host", metavar="ADDRESS", help="Address to listen on (default: DATELINE_HOST, else 127.0.0.1)."
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=1, max=65535, metavar="N", help="Port to listen on (default: DATELINE_PORT, else 8000)."
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=1,
            max=64,
            metavar="N",
            help="Processes that answer (default: DATELINE_WORKERS, else 1); more than 1 takes a Chroma server and"
            " PostgreSQL.",
        ),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Listen beyond this machine although nobody is asked for a key.")
    ] = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Serve the collection over HTTP: its own interface and one compatible with OpenAI's.

    While it runs it holds the home: other commands ask it with --server.
    """
    from api.server import serve as run

    run(settings_for(home, debug), host, port, workers=workers, insecure=insecure)
