"""Planted errors: true sentences of articles with one thing changed, asserted with the right citation; how many pass?

Usage: ``python -m tests.bench.planted ARTICLES.jsonl.gz [--n 300] [--seed 0] [--show KIND]``. From each article at most
one sentence a kind is taken, of at least eight words. The passage cited is what stands around the sentence, about 180
words; five passages of other articles are shown beside it, as a model would see them. Shares come with 95% intervals by
bootstrap over sentences. ``--show`` prints what went the wrong way.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from qa.assembly import Assembly
from qa.claims import ClaimStream
from qa.evaluation.resampling import interval
from qa.models import Passage
from qa.text import sentences
from tests.bench import planting
from tests.bench.planting import Change

PASSAGE_WORDS = 180
SHOWN_BESIDE = 5

PLANTED: tuple[tuple[str, str], ...] = (
    ("number", "another number"),
    ("number of passage", "another number of the passage"),
    ("date", "another date"),
    ("negation", "negation put in or taken out"),
    ("scale", "another scale, unit or order"),
    ("opposite", "a word's opposite"),
    ("name", "a name of another article"),
    ("name of passage", "another name of the passage"),
    ("opening name", "the sentence's first name by another of the passage"),
    ("swapped names", "two names swapped"),
)
TRUE: tuple[tuple[str, str], ...] = (
    ("verbatim", "unchanged"),
    ("reordered", "word order"),
    ("reworded", "tense, spelling of numbers and the like"),
)


@dataclass(frozen=True)
class Taken:
    """A sentence of an article and the passage around it."""

    sentence: str
    passage: Passage


@dataclass(frozen=True)
class Asked:
    """What was asserted of a sentence, whether it was refused, and why."""

    taken: Taken
    asserted: str
    refused: bool
    why: str


def articles(path: Path) -> list[dict[str, str]]:
    """The articles that have text, in a fixed order."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [article for article in map(json.loads, lines) if article.get("text")]


def around(text: str, spans: Sequence[tuple[int, int]], i: int) -> tuple[int, int]:
    """Whole sentences about sentence ``i``, before and after in turn, up to ``PASSAGE_WORDS`` words."""
    first = last = i
    count = len(text[spans[i][0] : spans[i][1]].split())
    while first > 0 or last < len(spans) - 1:
        before = len(text[spans[first - 1][0] : spans[first - 1][1]].split()) if first else None
        after = len(text[spans[last + 1][0] : spans[last + 1][1]].split()) if last < len(spans) - 1 else None
        forwards = before is None or (after is not None and last - i <= i - first)
        more = after if forwards else before
        if more is None or count + more > PASSAGE_WORDS:
            break
        count += more
        first, last = (first, last + 1) if forwards else (first - 1, last)
    return spans[first][0], spans[last][1]


def take(article: dict[str, str], number: int, rng: random.Random) -> Iterator[Taken]:
    """The article's sentences that say something, in random order, each with its passage."""
    text = article["text"][:50_000]
    spans = sentences(text)
    for i in rng.sample(range(len(spans)), len(spans)):
        sentence = text[spans[i][0] : spans[i][1]]
        if not (8 <= len(sentence.split()) <= 60 and re.fullmatch(r"[A-Z\"\u201c][^\n?]*[.!][\"\u201d]?", sentence)):
            continue
        start, end = around(text, spans, i)
        published = date.fromisoformat(article["published"][:10]) if article.get("published") else None
        yield Taken(
            sentence,
            Passage(
                chunk_id=f"a{number}.1.{i}",
                article_id=f"a{number}",
                score=1.0,
                text=text[start:end],
                start=start,
                end=end,
                published=published,
                title=article.get("title"),
                url=article.get("url"),
                source=article.get("source"),
            ),
        )


def plant(
    collection: Sequence[dict[str, str]], kind: str, change: Change, n: int, seed: int
) -> Iterator[tuple[Taken, str]]:
    """Up to ``n`` sentences that lend themselves to ``change``, one of an article, as they are and changed."""
    rng = random.Random(f"{seed} {kind}")
    found = 0
    for number in rng.sample(range(len(collection)), len(collection)):
        for taken in take(collection[number], number, rng):
            changed = change(taken.sentence, taken.passage.text, rng)
            if changed is not None:
                yield taken, changed
                found += 1
                break
        if found == n:
            return


def ask(taken: Taken, asserted: str, beside: Sequence[Passage], rng: random.Random) -> Asked:
    """Have a scripted model assert it with the right citation, among passages of other articles."""
    shown = [*rng.sample(beside, SHOWN_BESIDE), taken.passage]
    rng.shuffle(shown)
    number = shown.index(taken.passage) + 1
    body, stop = re.fullmatch(r"(.*?)([.!]?[\"\u201d]?)", asserted, re.DOTALL).groups()  # type: ignore[union-attr]
    assembly, stream = Assembly(shown), ClaimStream()
    for claim in [*stream.feed(f"{body} [{number}]{stop}"), *stream.end()]:
        assembly.add_claim(claim)
    refused = not assembly.sentences or not all(sentence.supported for sentence in assembly.sentences)
    reasons = [sentence.reason for sentence in assembly.sentences if sentence.reason]
    return Asked(taken, asserted, refused, "; ".join([*reasons, *assembly.warnings()]))


def changes(collection: Sequence[dict[str, str]], seed: int) -> dict[str, Change]:
    """Every kind of change by its name."""
    rng = random.Random(seed)
    drawn = rng.sample(list(collection), min(400, len(collection)))
    names = sorted({name for article in drawn for name in planting.names_in(article["text"][:3000])})
    return {
        "number": planting.other_number,
        "number of passage": planting.number_of_passage,
        "date": planting.date,
        "negation": planting.negation,
        "name": partial(planting.other_name, names=names),
        "name of passage": planting.name_of_passage,
        "opening name": planting.opening_name,
        "scale": planting.scale,
        "opposite": planting.opposite,
        "swapped names": planting.swapped_names,
        "verbatim": lambda sentence, _passage, _rng: sentence,
        "reordered": planting.reordered,
        "reworded": planting.reworded,
    }


def run(collection: Sequence[dict[str, str]], kind: str, change: Change, n: int, seed: int) -> list[Asked]:
    """All of one kind, asked."""
    rng = random.Random(f"{seed} beside")
    beside = [
        taken.passage
        for number in rng.sample(range(len(collection)), min(60, len(collection)))
        for taken in list(take(collection[number], number, rng))[:1]
    ]
    return [ask(taken, changed, beside, rng) for taken, changed in plant(collection, kind, change, n, seed)]


def row(what: str, asked: Sequence[Asked]) -> str:
    """One line of the table."""
    refused = [float(one.refused) for one in asked]
    low, high = interval(refused)
    return f"| {what} | {len(asked)} | {sum(refused) / len(refused):.3f} ({low:.3f} to {high:.3f}) |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="planted errors, and true sentences, refused")
    parser.add_argument("articles", type=Path)
    parser.add_argument("--n", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", default="", help="print those of this kind that went the wrong way")
    parser.add_argument("--only", default="", help="run this kind alone")
    options = parser.parse_args()
    collection = articles(options.articles)
    makers = changes(collection, options.seed)
    print("| asserted | n | share refused (95% interval) |\n|---|---|---|")
    begun, count = time.perf_counter(), 0
    for group, kinds in (("planted", PLANTED), ("true", TRUE)):
        for kind, what in kinds:
            if options.only and kind != options.only:
                continue
            asked = run(collection, kind, makers[kind], options.n, options.seed)
            count += len(asked)
            print(row(f"{group}: {what}", asked), flush=True)
            if kind == options.show:
                _show([one for one in asked if one.refused == (group == "true")])
    print(
        f"{count} sentences, {(time.perf_counter() - begun) * 1000 / max(count, 1):.1f} ms each, finding them included"
    )


def _show(wrong: Sequence[Asked]) -> None:
    for one in wrong:
        print(f"\n  was:  {one.taken.sentence}\n  said: {one.asserted}\n  why:  {one.why}")
        print(f"  in:   {one.taken.passage.text!r}")


if __name__ == "__main__":
    main()
