"""Marked-up text, HTML fragment or XML tree, to plain paragraphs."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from xml.etree.ElementTree import Element

_BLOCKS = frozenset(
    "address article aside blockquote br dd div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header hr li main nav"
    " ol p pre section table td th tr ul"
    " block hl1 hl2 note bq credit byline lang".split()
)
"""Elements of HTML and NITF that end the line before and after them."""
_SKIPPED = frozenset("script style head template noscript iframe svg button form media media-metadata".split())
"""Elements whose content is no part of the text. ``media`` is NITF's picture with its caption."""


class Blocks:
    """Collects paragraphs from elements and text as they come, in order."""

    def __init__(self) -> None:
        self._paragraphs: list[str] = []
        self._current: list[str] = []
        self._skipping = 0

    def start(self, tag: str) -> None:
        """``tag`` (lower case, no namespace) begins."""
        if tag in _SKIPPED:
            self._skipping += 1
        elif tag in _BLOCKS:
            self._break()

    def end(self, tag: str) -> None:
        """``tag`` ends."""
        if tag in _SKIPPED:
            self._skipping = max(0, self._skipping - 1)
        elif tag in _BLOCKS:
            self._break()

    def data(self, text: str) -> None:
        """Text between tags."""
        if not self._skipping:
            self._current.append(text)

    def _break(self) -> None:
        paragraph = " ".join("".join(self._current).split())
        if paragraph:
            self._paragraphs.append(paragraph)
        self._current = []

    def text(self) -> str:
        """The paragraphs so far, white space collapsed, a blank line between two; "" when there are none."""
        self._break()
        return "\n\n".join(self._paragraphs)


def html_text(fragment: str) -> str:
    """The paragraphs of an HTML fragment; markup that is broken is read as browsers would, more or less."""
    parser = _Html()
    parser.feed(fragment)
    parser.close()
    return parser.blocks.text()


class _Html(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks = Blocks()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.blocks.start(tag)

    def handle_endtag(self, tag: str) -> None:
        self.blocks.end(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _SKIPPED:
            self.blocks.start(tag)

    def handle_data(self, data: str) -> None:
        self.blocks.data(data)


def xml_text(element: Element) -> str:
    """The paragraphs of an XML tree of HTML's or NITF's elements, in whatever namespace."""
    blocks = Blocks()
    for event, value in _events(element):
        getattr(blocks, event)(value)
    return blocks.text()


def _events(root: Element) -> Iterator[tuple[str, str]]:
    """``start``, ``data`` and ``end`` in document order; not recursive, as hostile files nest without bounds."""
    waiting: list[tuple[str, str | Element]] = [("open", root)]
    while waiting:
        event, value = waiting.pop()
        if isinstance(value, str):
            yield event, value
            continue
        tag = local_name(value)
        yield "start", tag
        if value.text:
            yield "data", value.text
        waiting.append(("end", tag))
        for child in reversed(value):
            if child.tail:
                waiting.append(("data", child.tail))
            waiting.append(("open", child))


def local_name(element: Element) -> str:
    """The element's name in lower case without its namespace."""
    return str(element.tag).rpartition("}")[2].lower()
