"""Golden pairs: ``x.html`` and beside it, in ``x.html.json``, all that reading it gives."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ingest.readers import SUFFIXES, ReadArticle, ReadFailure, read
from tests.conftest import ROOT

DATA = ROOT / "tests" / "data" / "readers"
TODAY = date(2026, 2, 1)
MAPPED = {"export.json": {"text": "content.body", "title": "headline", "published": "date", "url": "link"}}
ALIASES = {".tgz", ".newsml"}
"""Suffixes of a format that has a pair under another."""
PAIRS = sorted(path for path in DATA.iterdir() if path.with_name(f"{path.name}.json").exists())
PUBLISHED = {
    "01-json-ld.html": ("2024-03-05T06:12:44+00:00", "json-ld"),
    "02-json-ld-graph.html": ("2023-10-17T21:48:03-05:00", "json-ld"),
    "03-opengraph.html": ("2022-08-14T23:41:00-07:00", "opengraph"),
    "04-parsely.html": ("2025-01-23T07:02:00+00:00", "meta"),
    "05-dublin-core-latin1.html": ("2013-06-04T18:20:00+02:00", "meta"),
    "06-time-itemprop.html": ("2021-05-11T09:00:00+02:00", "time"),
    "07-time-near-headline.html": ("2024-07-09T11:24:00+01:00", "time"),
    "08-url-month-name.html": ("2024-03-05", "url"),
    "09-saved-from-url.htm": ("2019-11-27", "url"),
    "10-printed.html": ("2024-03-05T16:40:00", "text"),
    "11-printed-spanish.html": ("2023-04-17T06:30:00", "text"),
    "12-ambiguous-decided.html": ("2024-04-03", "text"),
    "13-json-ld-broken.html": ("2020-12-01T00:30:00+01:00", "json-ld"),
    "14-undated.html": (None, None),
}
"""When the pages were published, as precisely as they say, and where that stands in each; the golden files may be made
anew, this may not."""


def outcome(path: Path) -> dict[str, list[Any]]:
    """All that reading ``path`` gives, as its golden file has it; paths in it are shortened to names."""
    found: dict[str, list[Any]] = {"articles": [], "warnings": [], "failures": []}
    for item in read([path], today=TODAY, fields=MAPPED.get(path.name)):
        where = item.where.replace(str(path), path.name)
        if isinstance(item, ReadArticle):
            one = item.article
            found["articles"].append(
                {
                    "where": where,
                    "title": one.title,
                    "published": one.published.isoformat() if one.published else None,
                    "published_from": one.published_from,
                    "published_at": one.published_at,
                    "declared": item.declared,
                    "url": one.url,
                    "source": one.source,
                    "authors": list(one.authors),
                    "text": one.text,
                }
            )
        else:
            found["failures" if isinstance(item, ReadFailure) else "warnings"].append([where, item.reason])
    return found


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.name)
def test_reads_as_written_down(path: Path) -> None:
    expected = json.loads(path.with_name(f"{path.name}.json").read_text(encoding="utf-8"))
    assert outcome(path) == expected


@pytest.mark.parametrize("name", PUBLISHED)
def test_pages_are_dated_right(name: str) -> None:
    (article,) = outcome(DATA / name)["articles"]
    instant, origin = PUBLISHED[name]
    assert (article["published_at"] or article["published"], article["published_from"]) == (instant, origin)
    assert article["published"] == (instant and instant[:10])


def test_every_format_has_a_pair() -> None:
    assert {path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix for path in PAIRS} == {
        *SUFFIXES
    } - ALIASES
