"""The wire models of ``/sessions``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from qa.models import Wire

if TYPE_CHECKING:
    from qa.library.sessions import Session


class SessionExchange(Wire):
    """A question asked in a session, and its answer's text."""

    question: str
    answer: str
    asked_at: datetime


class SessionDetail(Wire):
    """A conversation that the service keeps, oldest question first."""

    id: str
    created_at: datetime
    used_at: datetime
    exchanges: tuple[SessionExchange, ...]

    @classmethod
    def of(cls, session: Session) -> SessionDetail:
        """The wire form of a session."""
        exchanges = tuple(
            SessionExchange(question=one.question, answer=one.answer, asked_at=one.asked_at)
            for one in session.exchanges
        )
        return cls(id=session.id, created_at=session.created_at, used_at=session.used_at, exchanges=exchanges)
