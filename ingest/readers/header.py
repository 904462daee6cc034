"""Pure: parts the header of a text or Markdown file from its body.

What counts as a header, so that no first sentence is ever taken for one:

- Header lines stand at the top (blank lines before them are skipped), one below the other; the first line that is
  not one, or that repeats a key, ends the header. After a blank line only a real date or an http URL continues it.
  Keys, in any case: ``date`` or ``published``, ``title``, ``url``, ``source``, ``author`` or ``authors``, ``id``.
- ``key: value`` is a header line when the value suits the key: a URL or an id has no white space, a source at most ten
  words, a title or list of authors at most 300 characters; a date is one, or at least is short.
- ``date 2023-04-17`` without a colon is one when a real date follows. Text may follow the date on its line, with or
  without a colon: there the body begins.
- ``key value`` without a colon is, for other keys, one only in a header that also has a line with a real date or an
  http URL, and only when it does not read like prose: with a capital key (``Source close to the ministry said``,
  ``Author Salman Rushdie was attacked``) a title must begin with a capital or a digit and have no final full stop, and
  a source or author must look like a name.
- YAML front matter between ``---`` lines is read as ``key: value`` pairs and plain lists, there ``language`` or
  ``lang`` too; what is nested is ignored, and so are other keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from ingest.published import leading_date

_FIELD = {
    "date": "published", "published": "published", "title": "title", "url": "url", "source": "source",
    "author": "authors", "authors": "authors", "id": "id",
}  # fmt: skip
_YAML_FIELD = {**_FIELD, "language": "language", "lang": "language"}
_KEY = re.compile(rf"(?P<key>{'|'.join(_FIELD)})(?P<mark>[ \t]*:|[ \t])", re.IGNORECASE)
_LONGEST = {"title": 300, "source": 100, "authors": 300, "id": 200, "url": 2000, "published": 40}
_MOST_WORDS = {"source": 10, "id": 1, "url": 1}
_PARTICLES = re.compile(
    r"a|al|and|at|bin|by|da|das|de|del|della|den|der|des|di|do|dos|du|e|el|en|et|for|ibn|in|la|le|of|on|the|to|und|van"
    r"|von|y|&"
)
"""Words a name may hold in lower case."""
_FRONT_MATTER = re.compile(r"---[ \t]*\n(?P<block>.{0,20000}?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.MULTILINE | re.DOTALL)
_YAML_KEY = re.compile(r"(?P<key>[\w.-]+(?: [\w.-]+)*):(?=\s|\Z)")
_YAML_NOTHING = ("~", "null", "|", ">", "|-", ">-", "|+", ">+")
"""Values that are none, or whose text stands indented on the lines below, where it is ignored."""


@dataclass(frozen=True, slots=True)
class Header:
    """The fields found (names as in ``records.FIELDS``, values as written) and the text that follows them."""

    fields: dict[str, object]
    body: str


@dataclass(frozen=True, slots=True)
class _Line:
    field: str
    value: str
    bare: bool
    anchor: bool
    """A real date or URL: makes lines without colons believable."""
    rest: str = ""
    """Text that follows the date on its line."""


def split_header(text: str, *, today: date) -> Header:
    """The header of ``text`` (line ends as ``\\n``) and its body; no fields and all of ``text`` when it has none."""
    if front := _front_matter(text.lstrip()):
        return front
    found: list[_Line] = []
    ends: list[int] = []
    parted = False
    position = len(text) - len(text.lstrip())
    while position < len(text):
        stop = text.find("\n", position)
        stop = len(text) if stop < 0 else stop
        if not text[position:stop].strip():
            position, parted = stop + 1, True
            continue
        line = _header_line(text[position:stop], today)
        if line is None or (parted and not line.anchor) or any(line.field == one.field for one in found):
            break
        found.append(line)
        parted = False
        if line.rest:
            ends.append(position + len(text[position:stop].rstrip()) - len(line.rest))
            break
        position = stop + 1
        ends.append(position)
    if not any(line.anchor for line in found):
        colons = next((i for i, line in enumerate(found) if line.bare), len(found))
        found, ends = found[:colons], ends[:colons]
    if not found:
        return Header({}, text)
    return Header({line.field: line.value for line in found}, text[ends[-1] :])


def _header_line(line: str, today: date) -> _Line | None:
    line = line.strip()
    match = _KEY.match(line)
    if match is None:
        return None
    key, value, bare = match["key"], line[match.end() :].lstrip(), ":" not in match["mark"]
    if not value:
        return None
    field = _FIELD[key.lower()]
    if field == "published":
        return _date_line(value, bare, today)
    words = len(value.split())
    if len(value) > _LONGEST[field] or words > _MOST_WORDS.get(field, words):
        return None
    is_url = field == "url" and re.match(r"https?://", value, re.IGNORECASE) is not None
    if bare and not is_url and not _reads_like_value(field, value, prose=key[0].isupper() and not key.isupper()):
        return None
    return _Line(field, value, bare=bare, anchor=is_url)


def _date_line(value: str, bare: bool, today: date) -> _Line | None:
    found = leading_date(value, today=today)
    if found is None:
        short = len(value) <= _LONGEST["published"] and not bare
        return _Line("published", value, bare=False, anchor=False) if short else None
    rest = value[found.end :].lstrip(" \t,;:-\u2013\u2014")
    return _Line("published", value[: found.end], bare=bare, anchor=True, rest=rest)


def _reads_like_value(field: str, value: str, *, prose: bool) -> bool:
    if not prose or field in ("url", "id"):
        return field != "url"
    if field == "title":
        return not value[0].islower() and not value.endswith(".")
    words = value.split()
    return len(words) <= 8 and all(
        not word[0].islower() or _PARTICLES.fullmatch(word) or "." in word[1:-1] for word in words
    )


def _front_matter(text: str) -> Header | None:
    match = _FRONT_MATTER.match(text)
    if match is None:
        return None
    fields: dict[str, object] = {}
    items: list[str] = []
    for line in match["block"].splitlines():
        stripped = line.strip()
        if stripped.startswith("- "):
            items.append(_unquoted(stripped[2:].strip()))
        elif stripped and not stripped.startswith("#") and line[0] not in " \t":
            pair = _YAML_KEY.match(line)
            if pair is None:
                return None
            items = []
            field, value = _YAML_FIELD.get(pair["key"].lower()), line[pair.end() :].strip()
            if field is not None and value not in _YAML_NOTHING:
                fields.setdefault(field, _yaml_value(field, value) if value else items)
    return Header({name: value for name, value in fields.items() if value != []}, text[match.end() :])


def _yaml_value(field: str, value: str) -> object:
    if field == "authors" and value.startswith("[") and value.endswith("]"):
        return [_unquoted(name.strip()) for name in value[1:-1].split(",") if name.strip()]
    return _unquoted(value)


def _unquoted(value: str) -> str:
    if match := re.match(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^']|'')*)'", value):
        double, single = match.groups()
        return re.sub(r"\\([\"\\/])", r"\1", double) if double is not None else single.replace("''", "'")
    return re.split(r"[ \t]#", value, maxsplit=1)[0].rstrip()
