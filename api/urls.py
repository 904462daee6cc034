"""Pure: which addresses of articles may be made links of. They are other people's words."""

from __future__ import annotations

from urllib.parse import urlsplit


def web_url(url: str | None) -> str | None:
    """``url`` if it leads to a page on the web, and None for anything else: no script, file or local program."""
    if not url or not url.isprintable() or " " in url:
        return None
    try:
        parsed = urlsplit(url)
        return url if parsed.scheme in ("http", "https") and parsed.hostname else None
    except ValueError:
        return None
