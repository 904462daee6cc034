"""``dateline keys``: who may ask the service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import DebugOption, JsonOption, examples

if TYPE_CHECKING:
    from collections.abc import Sequence

app = typer.Typer(
    no_args_is_help=True,
    help="Make, list and revoke API keys of the service.",
    epilog=examples("dateline keys new desk --scope ask", "dateline keys list", "dateline keys revoke desk"),
)

FileOption = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE", help="The file of keys (default: DATELINE_API_KEYS_FILE)."),
]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Whom the key is for.")]


def _file(given: Path | None, debug: bool) -> Path:
    from api.cli.options import settings_for
    from qa.errors import SettingsError

    path = settings_for(None, debug, api_keys_file=given).api_keys_file
    if path is None:
        raise SettingsError("no file of keys is named", hint="Set DATELINE_API_KEYS_FILE, or say --file.")
    return path


@app.command(
    "new", epilog=examples("dateline keys new desk", "dateline keys new feeder --scope ingest --rate 60/minute")
)
def new_key(
    name: NameArgument,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope", metavar="SCOPE", help="ask, ingest or admin (which is all); may be repeated. Default: ask."
        ),
    ] = None,
    rate: Annotated[
        str | None, typer.Option("--rate", metavar="N/minute", help="Its own DATELINE_RATE_LIMIT, or off.")
    ] = None,
    requests: Annotated[
        int | None, typer.Option("--requests", min=1, metavar="N", help="Its own DATELINE_REQUESTS_PER_KEY.")
    ] = None,
    file: FileOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Make a key and print it, this once: the file keeps its hash. A running service knows it within a second."""
    from api.cli.output import note, print_json, stdout
    from api.keys import add_key

    path = _file(file, debug)
    scopes: Sequence[str] = scope or ["ask"]
    key = add_key(path, name, scopes, rate=rate, requests=requests)
    if json:
        print_json({"name": name, "scopes": list(scopes), "key": key})
        return
    stdout().print(key)
    note(f"Added to {path} as {name}. Keep it: it is shown only now.")


@app.command("list", epilog=examples("dateline keys list"))
def list_keys(file: FileOption = None, json: JsonOption = False, debug: DebugOption = False) -> None:
    """List the keys by name, without what would let anybody in."""
    from api.cli.output import note, print_json, stdout
    from api.keys import read_keys

    keys = read_keys(_file(file, debug))
    if json:
        print_json([{"name": key.name, "scopes": sorted(key.scopes), "created": key.created} for key in keys])
        return
    for key in keys:
        own = [part for part in (key.rate, f"{key.requests} at once" if key.requests else None) if part]
        limits = f"  ({', '.join(own)})" if own else ""
        stdout().print(f"{key.name}  {', '.join(sorted(key.scopes))}  {key.created}{limits}")
    if not keys:
        note("There are no keys: nobody is let in.")


@app.command("revoke", epilog=examples("dateline keys revoke desk"))
def revoke_key(
    name: NameArgument, file: FileOption = None, json: JsonOption = False, debug: DebugOption = False
) -> None:
    """Take a key away. A running service refuses it within a second."""
    from api.cli.output import one_line, print_json, stdout
    from api.keys import revoke_key as revoke

    revoke(_file(file, debug), name)
    if json:
        print_json({"revoked": name})
        return
    stdout().print(f"Revoked {one_line(name)}.")
