"""What ``POST /articles`` is sent, put into a job's folder: JSON, NDJSON, or files of every format that ingest reads.

Names of files are the caller's word: they are made safe, and each file lies in a folder of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile

from api.errors import refused
from api.handlers import RefusedError, not_taken

NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
JSON = "application/json"
FORM = "multipart/form-data"

_UNSAFE = re.compile(r"[^\w.@+ -]")
_SHOWN = 60
_PIECE = 1 << 20


@dataclass
class Received:
    """Files by their path within the folder, with the hash of their content; pages and feeds to be fetched."""

    folder: Path
    files: dict[str, str] = field(default_factory=dict)
    urls: list[str] = field(default_factory=list)
    feeds: list[str] = field(default_factory=list)

    def count(self) -> int:
        """How many files and URLs."""
        return len(self.files) + len(self.urls) + len(self.feeds)

    def place(self, name: str) -> Path:
        """Where a file called ``name`` goes."""
        path = self.folder / str(len(self.files)) / name
        path.parent.mkdir(parents=True)
        return path

    def add(self, path: Path) -> None:
        """The file at ``path`` is complete."""
        with path.open("rb") as file:
            self.files[path.relative_to(self.folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()

    def request(self, *, restore: bool, fields: Mapping[str, str]) -> dict[str, Any]:
        """What the job is to do."""
        told = {"files": list(self.files), "urls": self.urls, "feeds": self.feeds}
        return {**told, "restore": restore, "fields": dict(fields)}

    def digest(self, request: Mapping[str, Any]) -> str:
        """The same for the same request: names and contents of files, addresses and options."""
        return hashlib.sha256(json.dumps([self.files, request], sort_keys=True).encode()).hexdigest()


async def receive(request: Request, folder: Path, *, most: int, fields: Mapping[str, str]) -> Received:
    """The body of ``request`` in ``folder``, with at most ``most`` files and URLs; ``fields`` as ingest has it.

    Raises ``RefusedError``: 400 for what is no JSON, 415 for another type, 422 naming the field.
    """
    declared = request.headers.get("content-type", "")
    kind = _type(declared)
    received = Received(folder)
    if kind == FORM:
        await _form(request, received, most)
    elif kind in NDJSON:
        await _stream(request, received, received.place("articles.jsonl"))
    elif kind == JSON:
        path = received.place("articles.json")
        await _stream(request, received, path)
        received.files.clear()
        await asyncio.to_thread(_json, path, received, fields)
    else:
        hint = f"Send {JSON}, {NDJSON[0]} or {FORM}."
        raise RefusedError(refused("unsupported_media_type", not_taken(declared), hint=hint))
    if received.count() > most:
        raise _invalid("", f"more than {most} files and URLs; DATELINE_MAX_UPLOAD_FILES sets the limit")
    if not received.count():
        raise _invalid("", "there is no article, no file and no URL")
    return received


def _type(declared: str) -> str:
    message = Message()
    message["content-type"] = declared
    return message.get_content_type() if declared else ""


async def _stream(request: Request, received: Received, path: Path) -> None:
    with path.open("wb") as file:
        async for piece in request.stream():
            await asyncio.to_thread(file.write, piece)
    await asyncio.to_thread(received.add, path)


async def _form(request: Request, received: Received, most: int) -> None:
    async with request.form(max_files=most, max_fields=most) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                given = _safe(value.filename or "")
                if not _is_read(given):
                    raise _invalid(name, f"{given!r} is of no format that is read, going by its name")
                path = received.place(given)
                await asyncio.to_thread(_copy, value, path)
                await asyncio.to_thread(received.add, path)
            elif name in ("url", "feed"):
                if not value.lower().startswith(("http://", "https://")):
                    raise _invalid(name, f"{value[:_SHOWN]!r} is no URL that begins with http:// or https://")
                (received.urls if name == "url" else received.feeds).append(value)
            else:
                raise _invalid(name, "there is no such field; files with their names, `url` and `feed` are taken")


def _copy(upload: UploadFile, path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(upload.file, file, _PIECE)


def _safe(name: str) -> str:
    """The last part of a file's name, of letters, digits and few other characters; what tells its format stays."""
    last = _UNSAFE.sub("_", name.replace("\\", "/").rpartition("/")[2]).lstrip(".")
    return last[-100:] or "file"


def _is_read(name: str) -> bool:
    from ingest.readers import SUFFIXES

    return Path(name.lower().removesuffix(".gz")).suffix in SUFFIXES


def _json(path: Path, received: Received, fields: Mapping[str, str]) -> None:
    """Articles go into a file of lines, the n-th on line n; objects without a text are addresses."""
    try:
        found = json.loads(path.read_bytes())
    except RecursionError:
        raise RefusedError(refused("invalid_json", "The body is nested too deeply.")) from None
    except ValueError as error:
        raise RefusedError(refused("invalid_json", f"The body is not JSON: {error}.")) from None
    path.unlink()
    given = found if isinstance(found, list) else [found]
    lines = []
    text, url = fields.get("text", "text"), fields.get("url", "url")
    for number, item in enumerate(given):
        at = f"{number}." if isinstance(found, list) else ""
        if not isinstance(item, dict):
            raise _invalid(at.rstrip("."), "an article is a JSON object")
        if isinstance(item.get(text), str):
            lines.append(json.dumps(item))
        elif item.get(text) is not None:
            raise _invalid(f"{at}{text}", "a string is wanted")
        elif isinstance(item.get(url), str):
            received.urls.append(item[url])
        else:
            raise _invalid(f"{at}{text}", "Field required, or `url` for a page to be fetched")
    if lines:
        whole = path.with_name("articles.jsonl")
        whole.write_text("\n".join(lines) + "\n", encoding="utf-8")
        received.add(whole)


def _invalid(name: str, message: str) -> RefusedError:
    detail = f"{name}: {message}" if name else message
    return RefusedError(refused("validation", detail, kind="urn:dateline:error:validation", fields=((name, message),)))
