"""``dateline doctor``: what is missing or wrong, part by part, and what to do about it."""

from __future__ import annotations

import typer

from api.cli.options import DebugOption, HomeOption, ModelOption, ServerOption, examples
from api.errors import FAILED

EXAMPLES = examples("dateline doctor", "dateline doctor --model openai:gpt-5-mini", "dateline doctor --home newsroom")


def doctor(
    model: ModelOption = None, server: ServerOption = None, home: HomeOption = None, debug: DebugOption = False
) -> None:
    """Check installation, settings, disk, home, key, and the model's answer to one question.

    Exit code 1 when something is wrong; each line says what to do.
    """
    from rich.text import Text

    from api.cli.checkup import checkup
    from api.cli.output import one_line, stdout

    console, failed = stdout(), False
    marks = {"ok": ("ok      ", "green"), "warning": ("warning ", "bold yellow"), "failed": ("failed  ", "bold red")}
    for found in checkup({"home": home, "server_url": server, "model": model}, debug=debug):
        failed = failed or found.state == "failed"
        console.print(Text.assemble(marks[found.state], (f"{found.part}: ", "bold"), one_line(found.told)))
        if found.hint:
            console.print(Text(f"        {one_line(found.hint)}"))
    if failed:
        raise typer.Exit(FAILED)
