"""Pure: the parts of a parsed page that its metadata is looked for in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_AROUND = 40
"""How many elements before and after the headline are looked at."""
_BLOCKS = frozenset(
    "address article aside br dd div dl dt figcaption figure footer h1 h2 h3 h4 header hr li main nav ol p section"
    " table tbody td th tr ul".split()
)
_PROSE = 250
"""A paragraph longer than this is the article itself: what stands beside the headline ends there."""


def attribute(element: Any, name: str) -> str:
    """The attribute's value, "" when there is none."""
    return element.get(name) or "" if element is not None else ""


def classes(element: Any) -> str:
    """The element's class attribute."""
    return attribute(element, "class")


def text_of(element: Any) -> str:
    """The text in the element, white space collapsed."""
    if element is None or not isinstance(element.tag, str):
        return ""
    return " ".join("".join(element.itertext()).split())


def headline(tree: Any) -> Any | None:
    """The page's headline: its longest ``<h1>`` in the article, else anywhere; None when there is none."""
    found = [one for one in tree.xpath("//article//h1 | //main//h1") or tree.xpath("//h1") if text_of(one)]
    return max(found, key=lambda one: len(text_of(one)), default=None)


def beside_headline(tree: Any) -> list[Any]:
    """The elements that stand beside the headline: those after it up to the article's first paragraph, then those
    before it in the same ``<article>`` or ``<main>``.

    What else stands above the headline belongs to the site, not to the article: today's date, for one.
    """
    title = headline(tree)
    if title is None:
        return []
    elements = [one for one in tree.iter() if isinstance(one.tag, str)]
    place = elements.index(title)
    inside = set(title.iter())
    after: list[Any] = []
    for one in elements[place : place + _AROUND]:
        if one.tag == "p" and len(text_of(one)) > _PROSE:
            break
        if one not in inside:
            after.append(one)
    container = next((one for one in title.iterancestors() if one.tag in ("article", "main")), None)
    above = set(title.iterancestors())
    before = [one for one in elements[max(0, place - _AROUND) : place] if one not in above]
    return after + [one for one in before if container is not None and container in one.iterancestors()]


def lines_beside_headline(tree: Any) -> list[str]:
    """The lines of text of the elements beside the headline."""
    return list(dict.fromkeys(line for one in beside_headline(tree) for line in _lines(one)))


def _lines(element: Any) -> Iterator[str]:
    """The element's own lines when it holds no blocks: theirs are their own."""
    if element.tag in ("script", "style", "noscript", "template", "select", "option", "title", "head", "svg"):
        return
    if any(one.tag in _BLOCKS and one.tag != "br" for one in element.iterdescendants() if isinstance(one.tag, str)):
        texts = [element.text, *(child.tail for child in element)]
        yield from (" ".join(text.split()) for text in texts if text and text.strip())
        return
    broken = "".join("\n" if part is None else part for part in _pieces(element))
    yield from (line for raw in broken.split("\n") if (line := " ".join(raw.split())))


def _pieces(element: Any) -> Iterator[str | None]:
    yield " ".join((element.text or "").split("\n"))
    for child in element:
        if child.tag == "br":
            yield None
        elif isinstance(child.tag, str):
            yield from _pieces(child)
        yield " ".join((child.tail or "").split("\n"))
