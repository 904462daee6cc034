"""Pure cleaning: text and metadata as stored, canonical URLs, stable article ids."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote, urlsplit, urlunsplit

MAX_TEXT = 5_000_000
"""Longest article text taken in, in code points; a longer one is a dump, not an article."""

REPLACEMENT = "\ufffd"
_NEWLINE = re.compile(r"\r\n?")
# NUL and its kin break terminals, PostgreSQL and SQLite's substr(); lone surrogates cannot be written as UTF-8 at all.
_UNSTORABLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")


def clean_text(text: str) -> str:
    """``text`` as it is stored: line ends as ``\\n``, surrounding white space off, nothing else moved.

    Control characters and lone surrogates become U+FFFD one for one. Idempotent; "" for blank text.
    """
    return _UNSTORABLE.sub(REPLACEMENT, _NEWLINE.sub("\n", text)).strip()


def clean_line(text: str) -> str | None:
    """A title, name or other one-line value with its white space collapsed; None when nothing is left."""
    return " ".join(clean_text(text).split()) or None


# URLs and ids

_TRACKING = re.compile(
    r"utm_\w+|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|igshid|li_fat_id|mc_cid|mc_eid|_ga|_gl"
    r"|mkt_tok|vero_id|oly_anon_id|oly_enc_id|_hsenc|_hsmi|ref_src|ref_url|cmpid|ncid|s_cid|ocid|smid|at_medium|at_campaign",
    re.IGNORECASE,
)
_DEFAULT_PORT = {"http": 80, "https": 443}
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ID_LENGTH = 24
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MADE_ID = re.compile(rf"[uic]-[0-9a-f]{{{_ID_LENGTH}}}")


def canonical_url(url: str) -> str:
    """The form of ``url`` that is the same for every way of writing the same address. Idempotent, no network.

    Scheme and host in lower case (host as punycode), no default port, no user name, no tracking parameters, the other
    parameters ordered by name, escapes as RFC 3986 has them, no fragment unless it is a route (``#!x``, ``#/x``).
    Scheme, ``www.`` and a final slash are kept: they can tell apart what is not the same.

    Raises ``ValueError`` with the reason for anything that is not an absolute http(s) URL.
    """
    stripped = url.strip()
    if re.search(r"[\s\x00-\x1f\x7f\ud800-\udfff]", stripped):
        raise ValueError("the URL holds white space or control characters")
    try:
        parts = urlsplit(stripped)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise ValueError(f"not a URL ({error})") from None
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORT or not host:
        raise ValueError("not an absolute http or https URL")
    netloc = f"[{host}]" if ":" in host else _ascii_host(host)
    if port is not None and port != _DEFAULT_PORT[scheme]:
        netloc += f":{port}"
    fragment = _normal_escapes(parts.fragment) if parts.fragment.startswith(("!", "/")) else ""
    return urlunsplit((scheme, netloc, _normal_escapes(parts.path) or "/", _query(parts.query), fragment))


def _ascii_host(host: str) -> str:
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return quote(host, safe="-._~")


def _query(query: str) -> str:
    pairs = [pair for pair in query.split("&") if pair and not _TRACKING.fullmatch(pair.partition("=")[0])]
    return "&".join(sorted(map(_normal_escapes, pairs), key=lambda pair: pair.partition("=")[0]))


def _normal_escapes(part: str) -> str:
    def rewrite(match: re.Match[str]) -> str:
        byte = int(match[1], 16)
        return chr(byte) if byte in _UNRESERVED else match[0].upper()

    # "%" is safe here because what escapes there are stay escapes.
    return quote(_ESCAPE.sub(rewrite, part), safe="%/:?@!$&'()*+,;=~[]|")


def source_from_url(url: str | None) -> str | None:
    """The host of ``url`` without ``www.``: the source's name when none is given. None when there is no host."""
    try:
        host = urlsplit(url or "").hostname
    except ValueError:
        return None
    return host.removeprefix("www.") or None if host else None


def article_id(url: str | None, own_id: str | None, text: str) -> str:
    """The stable id: ``u-`` and the canonical URL's hash, else its own id, else ``c-`` and the text's hash.

    An own id is used as it is when it is a plain token (letters, digits, ``._-``, at most 64) that cannot be mistaken
    for a made one; otherwise it becomes ``i-`` and a hash. Raises ``ValueError`` as ``canonical_url`` does.
    """
    if url:
        return f"u-{_short_hash(canonical_url(url))}"
    if own_id:
        plain = _SAFE_ID.fullmatch(own_id) and not _MADE_ID.fullmatch(own_id)
        return own_id if plain else f"i-{_short_hash(own_id)}"
    return f"c-{_short_hash(text)}"


def _short_hash(value: str) -> str:
    # 96 bits: among a billion articles the odds of one collision are below one in ten billion.
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:_ID_LENGTH]
