"""``dateline chat``: a conversation, on a terminal with line editing and history, else a question a line."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from api.cli.options import (
    ArticleOption,
    AsOfOption,
    DebugOption,
    FromOption,
    HomeOption,
    JsonOption,
    ModelOption,
    ServerOption,
    SourceOption,
    ToOption,
    TopKOption,
    ask_of,
    examples,
    settings_for,
)

if TYPE_CHECKING:
    from pathlib import Path

    from api.cli.chat_session import Session
    from api.client import Asker
    from qa.errors import DatelineError
    from qa.settings import Settings

EXAMPLES = examples(
    "dateline chat",
    'dateline chat --as-of 2025-03-25 --source "Coast Wire"',
    "dateline chat --server http://127.0.0.1:8000",
    "dateline chat --json < questions.txt",
)

HISTORY = "chat-history"
"""The file in the home that keeps what was typed."""


def chat(
    as_of: AsOfOption = None,
    start: FromOption = None,
    end: ToOption = None,
    source: SourceOption = None,
    article: ArticleOption = None,
    top_k: TopKOption = None,
    model: ModelOption = None,
    server: ServerOption = None,
    json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Ask one question after another; each may lean on those before it.

    Lines that begin with a slash are commands: /as-of, /from, /to, /source,
    /citations, /save, /new, /help, /quit. Ctrl-C drops an answer, Ctrl-D leaves.
    What is typed is remembered in the home. Without a terminal every line of
    standard input is a question or a command.
    """
    from api.cli.chat_session import Session

    options = ask_of("", as_of=as_of, start=start, end=end, source=source, article=article, top_k=top_k, model=model)
    settings = settings_for(home, debug, server_url=server, model=model)
    code = asyncio.run(_Chat(settings, Session(options), json=json).run())
    if code:
        raise typer.Exit(code)


class _Chat:
    """One conversation and where it is shown."""

    def __init__(self, settings: Settings, session: Session, *, json: bool) -> None:
        from api.cli.output import stdout

        self._settings = settings
        self._session = session
        self._json = json
        self._console = stdout()
        self._interactive = sys.stdin.isatty() and self._console.is_terminal and not json
        self._failures: list[DatelineError] = []

    async def run(self) -> int:
        """Talk until there is nothing more to say; the exit code."""
        from api.cli.output import note, print_json
        from api.client import asker_for
        from api.errors import DONE, PARTIAL, exit_code

        session = self._session
        async with asker_for(self._settings) as asker:
            await asker.ready()
            if self._interactive:
                note("Ask away. /help lists the commands, Ctrl-D leaves.")
            async for line in self._typed() if self._interactive else _lines():
                await self._handle(asker, line)
                if session.ended:
                    break
        if self._json:
            print_json([answer.to_json() for answer in session.answers])
        if self._interactive or not self._failures:
            return DONE
        return PARTIAL if session.answers else exit_code(self._failures[0])

    async def _handle(self, asker: Asker, line: str) -> None:
        """A question or a command; what is wrong with it is told, and the conversation goes on."""
        from api.cli.output import complain, note
        from qa.errors import DatelineError

        try:
            if not line.startswith("/"):
                await self._answer(asker, line)
            elif line.split()[0].lower() == "/citations":
                self._cite()
            else:
                for told in self._session.command(line).splitlines():
                    note(told, keep_spaces=True)
        except DatelineError as error:
            self._failures.append(error)
            complain(str(error), error.hint)

    async def _answer(self, asker: Asker, question: str) -> None:
        from api.cli.ask import followed
        from api.cli.output import note, warn
        from api.cli.show import show_answer

        running = asyncio.create_task(
            followed(asker, self._session.ask(question), self._console if self._interactive else None)
        )
        with _dropping(running) if self._interactive else _nothing():
            await asyncio.wait({running})
        if running.cancelled():
            note("Dropped.")
            return
        answer = running.result()
        self._session.add(answer)
        if not self._json:
            show_answer(self._console, answer, text=not self._interactive)
            self._console.print()
        for warning in answer.warnings:
            warn(warning)

    def _cite(self) -> None:
        from api.cli.output import note
        from api.cli.show import show_answer

        if not self._session.answers:
            note("There is no answer yet.")
        elif not self._json:
            show_answer(self._console, self._session.answers[-1])

    async def _typed(self) -> AsyncIterator[str]:
        """What is typed, line by line."""
        from prompt_toolkit import PromptSession
        from prompt_toolkit.completion import WordCompleter
        from prompt_toolkit.history import FileHistory, InMemoryHistory

        kept = _history(self._settings)
        commands = WordCompleter([*self._session.commands, "/citations"], sentence=True)
        prompt: PromptSession[str] = PromptSession(
            history=FileHistory(str(kept)) if kept else InMemoryHistory(),
            completer=commands,
            complete_while_typing=False,
        )
        while True:
            try:
                line = (await prompt.prompt_async("> ")).strip()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            if line:
                yield line


async def _lines() -> AsyncIterator[str]:
    """The lines of standard input that are not blank, as they come."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        if line.strip():
            yield line.strip()


def _history(settings: Settings) -> Path | None:
    """Where to remember what was typed; None where there is no home, which asking does not make."""
    return settings.home / HISTORY if settings.home.is_dir() else None


@contextmanager
def _dropping(running: asyncio.Task[object]) -> Iterator[None]:
    """Ctrl-C drops what is ``running``, and not the conversation."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, running.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


@contextmanager
def _nothing() -> Iterator[None]:
    yield
