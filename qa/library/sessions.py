"""Conversations kept in the catalogue's database, by whose they are and the id their owner gave them.

What is kept is bounded: of a session its newest exchanges, of sessions those used last, and none for longer than so
many days without use. A session is there from the first answer in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from qa.errors import NotFoundError
from qa.library.database import Database, batches
from qa.library.tables import session_turns, sessions
from qa.models import Turn


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its answer's text."""

    question: str
    answer: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation, oldest exchange first."""

    id: str
    created_at: datetime
    used_at: datetime
    exchanges: tuple[Exchange, ...]


class Sessions:
    """Reads and writes of sessions. Safe to use from several threads.

    ``turns`` exchanges of up to ``chars`` characters together are kept of a session, the newest whatever its length;
    ``most`` sessions, each for ``days`` after its last use.
    """

    def __init__(self, database: Database, *, turns: int, chars: int, days: float, most: int) -> None:
        self._database = database
        self._turns = turns
        self._chars = chars
        self._age = timedelta(days=days)
        self._most = most

    def get(self, owner: str, session_id: str) -> Session:
        """The session. Raises ``NotFoundError``, also for one that has expired."""
        with self._database.begin() as connection:
            found = connection.execute(
                select(sessions).where(_named(owner, session_id), sessions.c.used_at >= _now() - self._age)
            ).first()
            if found is None:
                raise _missing(session_id)
            turns = select(session_turns).where(session_turns.c.session_key == found.key)
            rows = connection.execute(turns.order_by(session_turns.c.number)).all()
        exchanges = tuple(Exchange(row.question, row.answer, row.asked_at.replace(tzinfo=UTC)) for row in rows)
        return Session(
            session_id, found.created_at.replace(tzinfo=UTC), found.used_at.replace(tzinfo=UTC), exchanges=exchanges
        )

    def history(self, owner: str, session_id: str) -> tuple[Turn, ...]:
        """What was said, oldest first; () for a session that is not there yet, or no more."""
        try:
            found = self.get(owner, session_id)
        except NotFoundError:
            return ()
        said = [(Turn("user", one.question), Turn("assistant", one.answer)) for one in found.exchanges]
        return tuple(turn for pair in said for turn in pair)

    def add(self, owner: str, session_id: str, question: str, answer: str) -> None:
        """Keep an exchange, and let go of what is over the limits."""
        now = _now()
        with self._database.begin() as connection:
            self._expire(connection, now)
            key = _touched(connection, owner, session_id, now)
            last = connection.execute(
                select(func.coalesce(func.max(session_turns.c.number), 0)).where(session_turns.c.session_key == key)
            ).scalar_one()
            turn = {"session_key": key, "number": last + 1, "question": question, "answer": answer, "asked_at": now}
            connection.execute(session_turns.insert().values(**turn))
            self._shorten(connection, key)
            surplus = select(sessions.c.key).order_by(sessions.c.used_at.desc(), sessions.c.key.desc())
            _remove(connection, connection.execute(surplus.offset(self._most)).scalars().all())

    def delete(self, owner: str, session_id: str) -> None:
        """Forget a session. Raises ``NotFoundError`` when there is none."""
        with self._database.begin() as connection:
            keys = connection.execute(select(sessions.c.key).where(_named(owner, session_id))).scalars().all()
            _remove(connection, keys)
        if not keys:
            raise _missing(session_id)

    def expire(self) -> None:
        """Forget the sessions that were not used for too long."""
        with self._database.begin() as connection:
            self._expire(connection, _now())

    def _expire(self, connection: Connection, now: datetime) -> None:
        old = select(sessions.c.key).where(sessions.c.used_at < now - self._age)
        _remove(connection, connection.execute(old).scalars().all())

    def _shorten(self, connection: Connection, key: int) -> None:
        length = func.length(session_turns.c.question) + func.length(session_turns.c.answer)
        kept = select(session_turns.c.number, length.label("length")).where(session_turns.c.session_key == key)
        left = self._chars
        for place, row in enumerate(connection.execute(kept.order_by(session_turns.c.number.desc())).all()):
            left -= row.length
            if place >= self._turns or (place and left < 0):
                older = session_turns.c.number <= row.number
                connection.execute(delete(session_turns).where(session_turns.c.session_key == key, older))
                return


def _touched(connection: Connection, owner: str, session_id: str, now: datetime) -> int:
    """The key of the session, which is made if need be; its row is locked until the transaction ends."""
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]  # the same face
    new = insert(sessions).values(owner=owner, id=session_id, created_at=now, used_at=now)
    connection.execute(new.on_conflict_do_nothing())
    connection.execute(update(sessions).where(_named(owner, session_id)).values(used_at=now))
    return int(connection.execute(select(sessions.c.key).where(_named(owner, session_id))).scalar_one())


def _remove(connection: Connection, keys: Sequence[int]) -> None:
    for some in batches(keys):
        connection.execute(delete(session_turns).where(session_turns.c.session_key.in_(some)))
        connection.execute(delete(sessions).where(sessions.c.key.in_(some)))


def _named(owner: str, session_id: str) -> Any:
    return (sessions.c.owner == owner) & (sessions.c.id == session_id)


def _missing(session_id: str) -> NotFoundError:
    return NotFoundError(
        f"there is no session {session_id!r}", hint="It begins with the first answer in it, and ends by age."
    )


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
