"""Pure: the articles that a question names, by id, by URL, or by the exact title in quotes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from qa.text import fold

_QUOTED = re.compile(
    '"([^"\n]{3,400})"|\u201c([^\u201d\n]{3,400})\u201d|\u00ab([^\u00bb\n]{3,400})\u00bb'
    "|(?<!\\w)['\u2018]([^\n]{3,400}?)['\u2019](?!\\w)"
)
_URL = re.compile(r"https?://[^\s<>\"\u201c\u201d]+", re.IGNORECASE)
_MADE_ID = re.compile(r"\b[a-z]-[0-9a-f]{16,64}\b")
_OWN_ID = re.compile(r"\b(?:article|story|report)\s+(?:id\s+)?([A-Za-z0-9][\w.-]{0,63})", re.IGNORECASE)
_CLOSING = ".,;:!?)]}'\u2019"


@dataclass(frozen=True, slots=True)
class Named:
    """What a question names; all of it in one spelling."""

    ids: frozenset[str] = frozenset()
    urls: frozenset[str] = frozenset()
    titles: frozenset[str] = frozenset()

    def holds(self, article_id: str, *, url: str | None, title: str | None) -> bool:
        """Whether the article with this id, URL and title is among them."""
        if article_id in self.ids or (url is not None and bool(self.urls) and _plain_url(url) in self.urls):
            return True
        return title is not None and bool(self.titles) and _plain_title(title) in self.titles


def named(question: str) -> Named:
    """What ``question`` names.

    An id that was made of a hash is known anywhere. A publisher's own may be any word: it counts in quotes, and behind
    "article", "story" or "report".
    """
    quoted = [next(filter(None, found.groups())) for found in _QUOTED.finditer(question)]
    own = [found[1].rstrip(_CLOSING) for found in _OWN_ID.finditer(question)]
    return Named(
        ids=frozenset([*_MADE_ID.findall(question), *own, *quoted]),
        urls=frozenset(_plain_url(found[0]) for found in _URL.finditer(question)),
        titles=frozenset(map(_plain_title, quoted)),
    )


def _plain_title(title: str) -> str:
    return " ".join(fold(title).split()).strip(_CLOSING)


def _plain_url(url: str) -> str:
    """A URL without what may differ between two of the same page: scheme, ``www.``, fragment, a slash at the end."""
    try:
        parts = urlsplit(url.rstrip(_CLOSING))
    except ValueError:
        return url
    host = parts.netloc.lower().removeprefix("www.")
    return f"{host}{parts.path.rstrip('/')}" + (f"?{parts.query}" if parts.query else "")
