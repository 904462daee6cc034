"""``/``: the page; ``/docs``: the reference of the HTTP interface; and the files they are made of under ``/web/``.

The files are those of ``api/web``, read once and served from memory. A browser keeps them and asks each time whether
they are still the ones there are (``ETag``), so that an upgrade is seen at once and nothing is sent twice. They are
packed once, too, for those who take them so.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""The page runs its own files and speaks to its own origin. No script makes markup of a text: a browser that knows
trusted types refuses ``innerHTML`` and its like."""

_INDEX, _REFERENCE = "index.html", "reference.html"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class WebFile:
    """A file of the page as it is sent, plain and ``packed`` by gzip; ``mark`` names its content."""

    content: bytes
    packed: bytes
    media_type: str
    mark: str


@lru_cache(maxsize=1)
def web_files() -> Mapping[str, WebFile]:
    """Every file of the page by its name: a name that is not here reaches no file system."""
    found = {}
    for path in files("api").joinpath("web").iterdir():
        media_type = _TYPES.get(path.name[path.name.rfind(".") :])
        if media_type is not None:
            content = path.read_bytes()
            mark = hashlib.sha256(content).hexdigest()[:32]
            found[path.name] = WebFile(content, gzip.compress(content, mtime=0), media_type, mark)
    return found


@router.api_route("/", methods=["GET", "HEAD"])
def page(request: Request) -> Response:
    """The page."""
    return _sent(web_files()[_INDEX], request)


@router.api_route("/docs", methods=["GET", "HEAD"])
def reference(request: Request) -> Response:
    """The reference of the HTTP interface."""
    return _sent(web_files()[_REFERENCE], request)


@router.api_route("/web/{name}", methods=["GET", "HEAD"])
def web_file(name: str, request: Request) -> Response:
    """A file of the page. Raises ``HTTPException`` (404) for a name that is none."""
    file = web_files().get(name)
    if file is None or name in (_INDEX, _REFERENCE):
        raise HTTPException(404)
    return _sent(file, request)


def _sent(file: WebFile, request: Request) -> Response:
    packed = _takes_gzip(request.headers.get("accept-encoding", ""))
    tag = f'"{file.mark}-gzip"' if packed else f'"{file.mark}"'
    headers = {
        "ETag": tag,
        "Cache-Control": "no-cache",
        "Vary": "Accept-Encoding",
        "Content-Security-Policy": PAGE_POLICY,
    }
    if _known(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    headers["Content-Type"] = file.media_type
    if packed:
        headers["Content-Encoding"] = "gzip"
    return Response(file.packed if packed else file.content, headers=headers)


def _takes_gzip(told: str) -> bool:
    """Whether ``Accept-Encoding`` names gzip, and not to refuse it."""
    codings = (one.replace(" ", "").lower().partition(";q=") for one in told.split(","))
    return any(name == "gzip" and (weight or "1").strip("0.") != "" for name, _, weight in codings)


def _known(told: str, tag: str) -> bool:
    """Whether ``If-None-Match`` names the tag; a proxy that compresses may have made it weak."""
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in told.split(","))
