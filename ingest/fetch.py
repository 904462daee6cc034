"""Guarded fetching: public addresses only, robots.txt honoured, bounded in time and size, one polite step at a time."""

from __future__ import annotations

import ssl
import time
import zlib
from collections.abc import Collection
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property
from urllib.robotparser import RobotFileParser

import httpcore
import httpx

from ingest.network import CheckedBackend, DeadlineError, RefusedAddressError, Resolve, resolve
from ingest.readers.items import Fetched
from qa.errors import InputError
from qa.settings import Settings

USER_AGENT = "Dateline"
"""How a fetch names itself unless told otherwise; the part before a ``/`` is what robots.txt is asked about."""

MAX_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_CONNECT_SECONDS = 10.0
_READ_SECONDS = 15.0
_ROBOTS_BYTES = 512 * 1024  # what RFC 9309 asks crawlers to read at least
_MOST_CRAWL_DELAY = 60.0
_PIECE = 64 * 1024
_FAILURES = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    RefusedAddressError,
    DeadlineError,
    ssl.SSLError,
    OSError,
)


@dataclass
class Fetcher:
    """Fetches URLs, one at a time.

    ``timeout`` is for a whole request in seconds, from its connection to its last byte; ``max_bytes`` for its
    decompressed body; ``delay`` the seconds between two requests to one host, more where its robots.txt asks for more
    (up to a minute). ``private`` lets it reach addresses that are not public. Proxies of the environment are not used:
    they would resolve names themselves, unchecked.
    """

    timeout: float = 30.0
    max_bytes: int = 20_000_000
    delay: float = 1.0
    private: bool = False
    user_agent: str = USER_AGENT
    resolve: Resolve = resolve
    _robots: dict[str, RobotFileParser | str] = field(default_factory=dict, init=False)
    """Per origin: its rules, or the reason they cannot be had."""
    _next: dict[str, float] = field(default_factory=dict, init=False)
    """Per host: when it may be asked again, by the monotonic clock."""

    def get(self, address: str, *, accept: Collection[str] | None = None) -> Fetched:
        """The content at ``address``; of one of the types in ``accept`` (lower case, "" = not said) unless None.

        Raises ``InputError`` with the reason, its ``where`` the address: not an http(s) URL, forbidden by robots.txt,
        not a public address, no (complete) answer in time, an error status, too many redirects, too large, another
        type.
        """
        try:
            url = _parsed(address)
            for _ in range(MAX_REDIRECTS + 1):
                self._ask_robots(url)
                found = self._request(url, self.max_bytes, accept)
                if isinstance(found, Fetched):
                    return found
                url = found
            raise _GaveUpError(f"redirected more than {MAX_REDIRECTS} times")
        except _GaveUpError as error:
            raise InputError(str(error), where=address) from None

    def _ask_robots(self, url: httpx.URL) -> None:
        origin = f"{url.scheme}://{url.netloc.decode()}"
        if origin not in self._robots:
            self._robots[origin] = self._fetch_robots(url)
        rules = self._robots[origin]
        if isinstance(rules, str):
            raise _GaveUpError(rules)
        if not rules.can_fetch(self.user_agent, str(url)):
            raise _GaveUpError(f"robots.txt of {url.host} does not allow it")

    def _fetch_robots(self, page: httpx.URL) -> RobotFileParser | str:
        """RFC 9309: no robots.txt allows all; one that cannot be had forbids all."""
        rules = RobotFileParser()
        url = page.copy_with(raw_path=b"/robots.txt", fragment=None)
        try:
            for _ in range(MAX_REDIRECTS + 1):
                found = self._request(url, _ROBOTS_BYTES, None, cut=True)
                if isinstance(found, Fetched):
                    rules.parse(found.content.decode("utf-8-sig", "replace").splitlines())
                    break
                url = found
            else:
                rules.parse([])
        except _StatusError as error:
            if error.status >= 500 or error.status == 429:
                return f"robots.txt of {page.host} cannot be read ({error})"
            rules.parse([])
        except _GaveUpError as error:
            return str(error) if error.final else f"robots.txt of {page.host} cannot be read ({error})"
        return rules

    def _wait_for(self, url: httpx.URL) -> None:
        rules = self._robots.get(f"{url.scheme}://{url.netloc.decode()}")
        asked = rules.crawl_delay(self.user_agent) if isinstance(rules, RobotFileParser) else None
        delay = max(self.delay, min(float(asked or 0), _MOST_CRAWL_DELAY))
        begin = max(time.monotonic(), self._next.get(url.host, 0.0))
        time.sleep(max(0.0, begin - time.monotonic()))
        self._next[url.host] = begin + delay

    def _request(
        self, url: httpx.URL, limit: int, accept: Collection[str] | None, *, cut: bool = False
    ) -> Fetched | httpx.URL:
        """What the server at ``url`` sends, or where it redirects to; ``cut`` keeps only the beginning of too much."""
        self._wait_for(url)
        deadline = time.monotonic() + self.timeout
        backend = CheckedBackend(deadline, self.private, self.resolve)
        headers = [
            (b"Host", url.netloc),
            (b"User-Agent", self.user_agent.encode("ascii", "replace")),
            (b"Accept", b"*/*"),
            (b"Accept-Encoding", b"gzip"),
            (b"Connection", b"close"),
        ]
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        seconds = {"connect": _CONNECT_SECONDS, "read": _READ_SECONDS, "write": _READ_SECONDS, "pool": None}
        try:
            with (
                httpcore.ConnectionPool(ssl_context=self._tls, network_backend=backend) as pool,
                pool.stream("GET", target, headers=headers, extensions={"timeout": seconds}) as response,
            ):
                return self._answer(url, response, limit, accept, cut)
        except _FAILURES as error:
            raise _GaveUpError(
                self._said(error, deadline), final=isinstance(error, RefusedAddressError | httpcore.ConnectError)
            ) from error

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpx.create_ssl_context()

    def _answer(
        self, url: httpx.URL, response: httpcore.Response, limit: int, accept: Collection[str] | None, cut: bool
    ) -> Fetched | httpx.URL:
        headers = httpx.Headers(response.headers)
        if response.status in _REDIRECTS and "location" in headers:
            return _parsed(headers["location"], base=url)
        if response.status != 200:
            raise _StatusError(response.status)
        content_type, charset = _typed(headers.get("content-type", ""))
        if accept is not None and content_type not in accept:
            raise _GaveUpError(f"its content type {content_type or '(none)'!r} is not one that is read")
        said = headers.get("content-length", "")
        if not cut and said.isascii() and said.isdigit() and int(said) > limit:
            raise _GaveUpError(f"larger than {limit:,} bytes")
        content = _body(response, headers.get("content-encoding", "identity").strip().lower(), limit, cut)
        return Fetched(str(url), content_type, charset, content)

    def _said(self, error: Exception, deadline: float) -> str:
        if isinstance(error, DeadlineError) or time.monotonic() >= deadline:
            return f"took longer than {self.timeout:g} seconds"
        if isinstance(error, httpcore.ConnectTimeout):
            return "no connection in time"
        if isinstance(error, httpcore.TimeoutException):
            return "nothing came for too long"
        if isinstance(error, RefusedAddressError):
            return f"{error}; only public addresses are fetched from"
        if isinstance(error, httpcore.ConnectError):
            return f"no connection: {error}"
        return f"the connection broke: {error or type(error).__name__}"


def fetcher(settings: Settings) -> Fetcher:
    """A fetcher as the settings have it."""
    return Fetcher(
        timeout=settings.fetch_timeout,
        max_bytes=settings.fetch_max_bytes,
        delay=settings.fetch_delay,
        private=settings.fetch_private,
        user_agent=settings.fetch_user_agent,
    )


class _GaveUpError(Exception):
    """The reason a URL is not fetched. ``final``: its host cannot be reached at all, so robots.txt is not to blame."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


class _StatusError(_GaveUpError):
    def __init__(self, status: int) -> None:
        super().__init__(f"the server answered {status}")
        self.status = status


def _parsed(address: str, *, base: httpx.URL | None = None) -> httpx.URL:
    try:
        url = base.join(address) if base else httpx.URL(address.strip())
        port = url.port
    except (httpx.InvalidURL, ValueError) as error:
        raise _GaveUpError(f"not a URL ({error})") from None
    if url.scheme not in ("http", "https") or not url.host or port == 0:
        shown = f"redirected to {url.scheme}: " if base else ""
        raise _GaveUpError(f"{shown}not an http or https URL")
    if url.userinfo:
        raise _GaveUpError("the URL holds a user name; such are not fetched")
    return url.copy_with(fragment=None)


def _typed(header: str) -> tuple[str, str | None]:
    message = Message()
    message["content-type"] = header
    charset = message.get_param("charset") if header else None
    return (message.get_content_type() if "/" in header else ""), charset if isinstance(charset, str) else None


def _body(response: httpcore.Response, encoding: str, limit: int, cut: bool) -> bytes:
    """The decompressed body, never holding more than ``limit`` bytes of it and one piece."""
    if encoding not in ("identity", "gzip", "x-gzip", ""):
        raise _GaveUpError(f"content encoding {encoding!r} was not asked for")
    inflate = zlib.decompressobj(wbits=31) if "gzip" in encoding else None
    body = bytearray()
    for piece in response.iter_stream():
        while piece:
            if inflate is None:
                body += piece
                piece = b""
            else:
                try:
                    body += inflate.decompress(piece, _PIECE)
                except zlib.error as error:
                    raise _GaveUpError(f"cannot be decompressed: {error}") from None
                piece = b"" if inflate.eof else inflate.unconsumed_tail
            if len(body) > limit:
                if cut:
                    return bytes(body[:limit])
                raise _GaveUpError(f"larger than {limit:,} bytes")
    if inflate is not None:
        body += inflate.flush()
    if inflate is not None and not inflate.eof and body:
        raise _GaveUpError("its compressed content ends early")
    return bytes(body)
