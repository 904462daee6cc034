"""What a command that fails says, and with which exit code it ends."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

import typer
from typer.exceptions import TyperException

from api.cli.invocation import Invocation
from api.cli.output import complain
from api.errors import DONE, FAILED, INTERRUPTED, exit_code
from qa.errors import DatelineError


def guarded(arguments: list[str]) -> int:
    """Run the command line; whatever goes wrong becomes one line, a hint, and an exit code."""
    from api.cli.app import app

    invocation = Invocation()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that has no curly quotes shows an escape instead of ending the command.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    try:
        code = app(args=arguments, prog_name="dateline", standalone_mode=False, obj=invocation)
        sys.stdout.flush()
    except TyperException as error:
        return _usage(error)
    except typer.Abort:
        return FAILED
    except BrokenPipeError:
        return hung_up()
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED
    except DatelineError as error:
        _trace(invocation)
        complain(str(error), error.hint)
        return exit_code(error)
    except Exception as error:  # noqa: BLE001 - the edge of the program: people get a sentence, not a traceback
        _trace(invocation)
        what = " ".join(str(error).split())
        complain(f"unexpected {type(error).__name__}" + (f": {what}" if what else ""), "Run again with --debug.")
        return FAILED
    return code if isinstance(code, int) else DONE


def hung_up() -> int:
    """Whoever read our output has gone, as ``head`` does: nothing to complain about, and nothing more to write."""
    # What is still buffered would fail once more when Python ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE


def _usage(error: TyperException) -> int:
    message = error.format_message()
    context: Any = getattr(error, "ctx", None)
    # A group called without a command has shown its help, and says nothing.
    if message:
        complain(message, f"See `{context.command_path} --help`." if context else "")
    return error.exit_code


def _trace(invocation: Invocation) -> None:
    if invocation.debug:
        traceback.print_exc()
