"""Conversations in the catalogue's database: what is kept of them, for how long, and how many."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from qa.errors import NotFoundError
from qa.library.database import Database
from qa.library.sessions import Sessions
from qa.library.tables import session_turns, sessions
from qa.models import Turn
from tests.integration.collection import reader, writer

Make = Callable[..., Sessions]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "catalogue.sqlite")
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def make(database: Database) -> Make:
    def sessions_with(*, turns: int = 9, chars: int = 10_000, days: float = 7, most: int = 9) -> Sessions:
        return Sessions(database, turns=turns, chars=chars, days=days, most=most)

    return sessions_with


def _age(database: Database, session_id: str, days: float) -> None:
    past = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=days)
    with database.begin() as connection:
        connection.execute(update(sessions).where(sessions.c.id == session_id).values(used_at=past))


def _rows(database: Database) -> tuple[int, int]:
    with database.begin() as connection:
        counts = [connection.execute(select(func.count()).select_from(table)) for table in (sessions, session_turns)]
        return counts[0].scalar_one(), counts[1].scalar_one()


def _questions(kept: Sessions, session_id: str = "s", owner: str = "") -> list[str]:
    return [turn.content for turn in kept.history(owner, session_id) if turn.role == "user"]


def test_what_was_said_comes_back_in_its_order(make: Make) -> None:
    kept = make()
    assert kept.history("", "s") == ()
    kept.add("", "s", "First?", "Yes [1].")
    kept.add("", "s", "Second?", "“Nein” — 𝔘𝔫𝔦.")
    assert kept.history("", "s") == (
        Turn("user", "First?"),
        Turn("assistant", "Yes [1]."),
        Turn("user", "Second?"),
        Turn("assistant", "“Nein” — 𝔘𝔫𝔦."),
    )
    session = kept.get("", "s")
    assert session.created_at <= session.exchanges[0].asked_at <= session.used_at == session.exchanges[1].asked_at


def test_each_owner_has_sessions_of_its_own(make: Make) -> None:
    kept = make()
    kept.add("ann", "s", "Ann's?", "Yes.")
    kept.add("bob", "s", "Bob's?", "Yes.")
    assert (_questions(kept, owner="ann"), _questions(kept, owner="bob")) == (["Ann's?"], ["Bob's?"])
    kept.delete("ann", "s")
    assert (_questions(kept, owner="ann"), _questions(kept, owner="bob")) == ([], ["Bob's?"])


def test_the_oldest_go_when_there_are_too_many(make: Make, database: Database) -> None:
    kept = make(turns=3)
    for number in range(5):
        kept.add("", "s", f"{number}?", "Yes.")
    assert _questions(kept) == ["2?", "3?", "4?"]
    assert _rows(database) == (1, 3)


def test_the_oldest_go_when_there_is_too_much(make: Make) -> None:
    kept = make(chars=100)
    for number in range(3):
        kept.add("", "s", f"{number}?", "x" * 40)
    assert _questions(kept) == ["1?", "2?"]
    kept.add("", "s", "long?", "x" * 1000)
    assert _questions(kept) == ["long?"]


def test_those_not_used_for_longest_go(make: Make, database: Database) -> None:
    kept = make(most=2)
    for name in ("a", "b"):
        kept.add("", name, "First?", "Yes.")
    _age(database, "b", days=1)
    kept.add("", "c", "First?", "Yes.")
    assert [_questions(kept, name) for name in ("a", "b", "c")] == [["First?"], [], ["First?"]]
    assert _rows(database) == (2, 2)


@pytest.mark.parametrize("how", ["another comes", "the service starts", "the same begins anew"])
def test_none_outlives_its_time(make: Make, database: Database, how: str) -> None:
    kept = make(days=7)
    kept.add("", "s", "First?", "Yes.")
    _age(database, "s", days=6.9)
    assert _questions(kept) == ["First?"]
    _age(database, "s", days=7.1)
    assert _questions(kept) == []
    with pytest.raises(NotFoundError):
        kept.get("", "s")
    if how == "another comes":
        kept.add("", "t", "Other?", "Yes.")
        assert _rows(database) == (1, 1)
    elif how == "the service starts":
        kept.expire()
        assert _rows(database) == (0, 0)
    else:
        kept.add("", "s", "Second?", "Yes.")
        assert _questions(kept) == ["Second?"]


def test_what_is_not_there_cannot_be_deleted(make: Make, database: Database) -> None:
    kept = make()
    with pytest.raises(NotFoundError, match="'s'"):
        kept.delete("", "s")
    kept.add("", "s", "First?", "Yes.")
    kept.delete("", "s")
    assert _rows(database) == (0, 0)


def test_threads_do_not_lose_each_other_s(make: Make) -> None:
    kept = make(turns=100)

    def add(name: str) -> None:
        for number in range(10):
            kept.add("", "s", f"{name}{number}?", "Yes.")

    threads = [threading.Thread(target=add, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asked = _questions(kept)
    assert len(asked) == 30
    assert [one for one in asked if one.startswith("a")] == [f"a{number}?" for number in range(10)]


def test_a_home_keeps_them_between_two_services(tmp_path: Path) -> None:
    with writer(tmp_path / "home", command="serve") as home:
        home.sessions.add("", "s", "First?", "Yes.")
    with reader(tmp_path / "home") as home:
        assert _questions(home.sessions) == ["First?"]
