"""Pure: what models write, made harmless to look at: no link, image or markup that the articles do not have."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_TARGET = (
    r"\(\s{0,9}<?(?P<target>[^()\s<>]{0,2000}(?:\([^()\s]{0,200}\)[^()\s<>]{0,2000})?)>?"
    r"(?:\s{1,9}[\"'(][^\n)]{0,300})?\)"
)
_LINK = re.compile(rf"(?P<opens>!?\[)(?P<label>[^\[\]]{{0,500}})(?P<closes>\]{_TARGET})")
_IMAGE = re.compile(r"!(?=\[)")
_OPEN_TARGET = re.compile(r"\]\(")
_BARE_TARGET = re.compile(rf"\]{_TARGET}")
_DOMAINS = (
    "com org net info biz io co ai app dev xyz example test invalid site online top gov edu eu uk de fr ru cn".split()
)
_REST = r"[^\s<>\"\u201c\u201d]"
_URL = re.compile(
    rf"""
    # Whatever begins as a URL does,
    (?:(?<![a-z0-9+.-])[a-z0-9+.-]++://
      | (?<![a-z])(?:www\.|(?:mailto|data|vbscript|file|tel):(?=\S)|(?:https?|ftp|javascript):))
    {_REST}{{0,4000}}
    # and what only ends like a host name, or goes on with a path.
  | (?<![a-z0-9-])(?:[a-z0-9-]{{1,63}}\.){{1,5}}
    (?:(?:{"|".join(_DOMAINS)})\b(?![.\w-]\w)|[a-z]{{2,24}}(?=/[\w%~?]))(?:[/?\#]{_REST}{{0,4000}})?
    """,
    re.VERBOSE | re.IGNORECASE,
)
_AFTER_URL = ".,;:!?'\u2019*_~)]}"
_TAG = re.compile(r"</?[a-z!?][^<>]{0,2000}>", re.IGNORECASE)
_OPEN_TAG = re.compile(r"<(?=\s{0,9}[a-z/!?])", re.IGNORECASE)
_DEFINED = re.compile(r"^([ \t]{0,9})\[([^\]\n]{1,300})\](?=:)", re.MULTILINE)
_SCHEME = re.compile(r"(?:https?://)?(?:www\.)?(?=\w)", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"(?!https?://)[a-z][a-z0-9+.-]*:(?!\d)", re.IGNORECASE)
_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A text without its links: how much was taken out, and where the offsets asked for have moved to."""

    text: str
    removed: int
    moved: tuple[int, ...]


Edit = tuple[int, int, str]


def without_links(text: str, allowed: Callable[[str], bool], offsets: Sequence[int] = ()) -> Cleaned:
    """``text`` in which nothing is a link, an image or HTML, and no URL stands that is not ``allowed``.

    Of "[words](target)" the words stay, of an image its description. An allowed URL, as :func:`plain_url` writes it,
    is shown without "https://", so that it can be read and not followed by mistake.
    """
    removed = 0
    moved = list(offsets)
    for _ in range(_ROUNDS):
        edits, count = _edits(text, allowed)
        if not edits:
            return Cleaned(text, removed, tuple(moved))
        removed += count
        text, moved = _apply(text, edits, moved)
    # Nested so deep that each round bares the next: no longer worth reading.
    text = text.replace("<", "\u2039").replace("://", ":  ").replace("](", "] ").replace("www.", "www ")
    return Cleaned(text, removed + 1, tuple(moved))


def urls(text: str) -> frozenset[str]:
    """The URLs of a text, as :func:`plain_url` writes them."""
    return frozenset(plain_url(_without_tail(match[0])) for match in _URL.finditer(text))


def plain_url(url: str) -> str:
    """One form for a URL: without "https://" and "www.", the host small, no slash at the end."""
    host, slash, path = _SCHEME.sub("", url.strip(), count=1).partition("/")
    return f"{host.lower()}{slash}{path}".rstrip("/")


def _edits(text: str, allowed: Callable[[str], bool]) -> tuple[list[Edit], int]:
    """What to change, in order and apart from each other, and how much of it takes out more than marks."""
    edits: list[Edit] = []
    removed = 0
    taken = bytearray(len(text))

    def change(start: int, end: int, instead: str) -> bool:
        if 1 in taken[start:end]:
            return False
        taken[start:end] = b"\1" * (end - start)
        edits.append((start, end, instead))
        return True

    def shown(url: str) -> str:
        readable = _SCHEME.match(url) and not _OTHER_SCHEME.match(url)
        return _SCHEME.sub("", url, count=1) if readable and allowed(plain_url(url)) else ""

    for link in _LINK.finditer(text):
        target = shown(link["target"]) if link["opens"] == "[" else ""
        if change(*link.span("opens"), "") and change(*link.span("closes"), f" ({target})" if target else ""):
            removed += not target
    for link in _BARE_TARGET.finditer(text):
        target = shown(link["target"])
        if change(*link.span(), f"] ({target})" if target else "]"):
            removed += not target
    for opened in _OPEN_TARGET.finditer(text):
        change(*opened.span(), "] (")
    for tag in _TAG.finditer(text):
        target = shown(tag[0][1:-1])
        if change(*(tag.span() if target else _with_space(text, *tag.span())), target):
            removed += not target
    for opened in _OPEN_TAG.finditer(text):
        change(*opened.span(), "\u2039")
    for mark in _IMAGE.finditer(text):
        change(*mark.span(), "")
    for defined in _DEFINED.finditer(text):
        change(*defined.span(), f"{defined[1]}{defined[2]}")
    for match in _URL.finditer(text):
        url = _without_tail(match[0])
        target = shown(url)
        if not target:
            removed += change(*_with_brackets(text, match.start(), match.start() + len(url)), "")
        elif target != url:
            change(match.start(), match.start() + len(url), target)
    return sorted(edits), removed


def _without_tail(url: str) -> str:
    """A URL without the punctuation that belongs to the sentence around it."""
    end = len(url)
    while (
        end
        and url[end - 1] in _AFTER_URL
        and not (url[end - 1] == ")" and url.count("(", 0, end) >= url.count(")", 0, end))
    ):
        end -= 1
    return url[:end]


def _with_brackets(text: str, start: int, end: int) -> tuple[int, int]:
    """The span of a URL together with brackets that hold nothing else, and the space before it."""
    if text[start - 1 : start] == "(" and text[end : end + 1] == ")" and start:
        start, end = start - 1, end + 1
    return _with_space(text, start, end)


def _with_space(text: str, start: int, end: int) -> tuple[int, int]:
    """The span together with the space before it, where otherwise too many would be left."""
    spare = start and text[start - 1] == " " and (end == len(text) or not text[end].isalnum())
    return start - bool(spare), end


def _apply(text: str, edits: Sequence[Edit], offsets: Sequence[int]) -> tuple[str, list[int]]:
    pieces: list[str] = []
    moved = list(offsets)
    position = shift = 0
    for start, end, instead in edits:
        pieces += [text[position:start], instead]
        moved = [
            new
            if old <= start
            else start + shift + len(instead)
            if old < end
            else old + shift + len(instead) - (end - start)
            for old, new in zip(offsets, moved, strict=True)
        ]
        shift += len(instead) - (end - start)
        position = end
    pieces.append(text[position:])
    return "".join(pieces), moved
