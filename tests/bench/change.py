"""Which numbers of real articles newer reports are said to supersede: to be read by eye, for precision counts here.

Usage: ``python -m tests.bench.change``; ``make bench-answers`` runs it. Every pair of chunks of both quarters of which
one was published up to sixty days after the other is compared, not only those that a question would bring together.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import date, timedelta

from qa.change import newest_report
from qa.citations import Quote
from qa.models import Passage
from qa.statements import Statement, statements
from tests.bench import retrieval_homes

_LONGEST = timedelta(days=60)
_SHOWN = 240


def chunks(quarter: str) -> list[Passage]:
    """All dated chunks of a quarter's collection."""
    home = retrieval_homes.quarter(quarter)
    query = (
        'SELECT chunks.id, article_id, text, start, "end", published, title FROM chunks '
        "JOIN versions ON versions.key = chunks.version_key JOIN texts ON texts.version_key = versions.key "
        "WHERE published IS NOT NULL"
    )
    with sqlite3.connect(f"file:{home / 'catalogue.sqlite'}?mode=ro", uri=True) as connection:
        return [
            Passage(
                chunk_id=name, article_id=article, score=0.0, text=text[start:end], start=start, end=end,
                published=date.fromisoformat(published), title=title,
            )
            for name, article, text, start, end, published, title in connection.execute(query)
        ]  # fmt: skip


def superseded(counted: Sequence[tuple[Passage, list[Statement]]]) -> tuple[int, list[tuple[Quote, Quote]]]:
    """How many pairs of chunks count something of one kind, and those quotes among them that a later one supersedes."""
    pairs, found = 0, {}
    for older, mine in counted:
        kinds = {one.count.kind for one in mine}
        for newer, theirs in counted:
            after = _day(newer) - _day(older)
            if not timedelta(0) < after <= _LONGEST or kinds.isdisjoint(one.count.kind for one in theirs):
                continue
            pairs += 1
            for one in mine:
                if report := newest_report(one.quote, [newer]):
                    found[one.quote.text, report.text] = (one.quote, report)
    return pairs, list(found.values())


def main() -> None:
    """Print every pair of sentences, and how many pairs of chunks they were found among."""
    for quarter in retrieval_homes.QUARTERS:
        passages = chunks(quarter)
        counted = [(one, statements(Quote(one, one.start, one.end, overlap=1.0))) for one in passages]
        counted = [(one, said) for one, said in counted if said]
        pairs, found = superseded(counted)
        print(
            f"\n{quarter}: {len(passages)} chunks, {len(counted)} of which count what reports revise, in {pairs} pairs"
        )
        for older, newer in found:
            for quote in (older, newer):
                print(f"  {quote.passage.published} {' '.join(quote.text.split())[:_SHOWN]}")
            print()
        print(f"{len(found)} sentences superseded")


def _day(passage: Passage) -> date:
    assert passage.published is not None
    return passage.published


if __name__ == "__main__":
    main()
