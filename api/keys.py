"""API keys: who may come in, and with which scopes. The file holds their hashes, never the keys.

One JSON object a line: ``{"name", "hash", "scopes", "created"}`` and, where a key has limits of its own, ``"rate"`` and
``"requests"``. A key is 256 random bits, so nobody gets at it by guessing, and one round of SHA-256 keeps it as safe as
a slow hash would. This module loads no web framework: the command line uses it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import re
import secrets
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qa.errors import NotFoundError, SettingsError, UsageError

SCOPES = ("ask", "ingest", "admin")
"""``ask``: questions, search, reading what is there; ``ingest``: adding articles; ``admin``: everything."""

_PREFIX = "dateline_"
_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")
_RATE = re.compile(r"([1-9][0-9]{0,8}/(second|minute|hour|day)|off)")
_LOOK_AGAIN = 1.0
"""Seconds after which the file is looked at again."""

_log = logging.getLogger("dateline.http")


@dataclass(frozen=True, slots=True)
class Key:
    """One who may come in. ``rate`` and ``requests`` are limits of its own; None: those of the settings."""

    name: str
    hash: str
    scopes: frozenset[str]
    created: str = ""
    rate: str | None = None
    requests: int | None = None

    def may(self, scope: str) -> bool:
        """Whether the key has ``scope``; ``admin`` includes the others."""
        return scope in self.scopes or "admin" in self.scopes

    def to_line(self) -> str:
        """The key's line in the file."""
        told: dict[str, Any] = {"name": self.name, "hash": self.hash, "scopes": [s for s in SCOPES if s in self.scopes]}
        told |= {"created": self.created, "rate": self.rate, "requests": self.requests}
        return json.dumps({name: value for name, value in told.items() if value not in (None, "")})


def digest(key: str) -> str:
    """What of a key is kept."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def read_keys(path: Path) -> tuple[Key, ...]:
    """The keys in the file. Raises ``SettingsError`` naming the line of the first that is none."""
    hint = "`dateline keys new NAME` makes the file and a key in it."
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError(f"DATELINE_API_KEYS_FILE: {path} cannot be read: {reason}", hint=hint) from None
    found: dict[str, Key] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            key = _key_of(json.loads(line))
            if key.name in found:
                raise ValueError(f"there is another key named {key.name!r}")
        except ValueError as error:
            raise SettingsError(f"DATELINE_API_KEYS_FILE: {path}:{number}: {error}", hint=hint) from None
        found[key.name] = key
    return tuple(found.values())


def _key_of(told: Any) -> Key:
    if not isinstance(told, dict):
        raise ValueError("not a JSON object")
    name, hashed, scopes = told.get("name"), told.get("hash"), told.get("scopes")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError("name: 1 to 64 letters, digits and ._@- are wanted")
    if not isinstance(hashed, str) or not _HASH.fullmatch(hashed):
        raise ValueError("hash: a SHA-256 in hexadecimal is wanted")
    if not isinstance(scopes, list) or not scopes or not set(map(str, scopes)) <= set(SCOPES):
        raise ValueError(f"scopes: a list of {', '.join(SCOPES)} is wanted")
    rate, requests = told.get("rate"), told.get("requests")
    if rate is not None and (not isinstance(rate, str) or not _RATE.fullmatch(rate)):
        raise ValueError("rate: NUMBER/minute (second, hour, day) or off is wanted")
    if requests is not None and (type(requests) is not int or requests < 1):
        raise ValueError("requests: a number from 1 is wanted")
    return Key(name, hashed, frozenset(scopes), str(told.get("created", "")), rate, requests)


def add_key(
    path: Path, name: str, scopes: Iterable[str], *, rate: str | None = None, requests: int | None = None
) -> str:
    """Make a key and put it into the file, which is made where there is none. Returns the key: it is kept nowhere.

    Raises ``UsageError`` for a name that is taken or is none, for an unknown scope and for limits that make no sense.
    """
    keys = read_keys(path) if path.exists() else ()
    if any(key.name == name for key in keys):
        raise UsageError(f"there is a key named {name!r}", hint="Choose another name, or `dateline keys revoke` it.")
    secret = _PREFIX + secrets.token_urlsafe(32)
    told = {"name": name, "hash": digest(secret), "scopes": list(scopes), "rate": rate, "requests": requests}
    try:
        key = _key_of({**told, "created": datetime.now(UTC).isoformat(timespec="seconds")})
    except ValueError as error:
        raise UsageError(str(error)) from None
    _write(path, [*keys, key])
    return secret


def revoke_key(path: Path, name: str) -> None:
    """Take a key out of the file. Raises ``NotFoundError`` when there is none of that name."""
    keys = read_keys(path)
    if not any(key.name == name for key in keys):
        raise NotFoundError(f"there is no key named {name!r}", hint="`dateline keys list` shows those that are.")
    _write(path, [key for key in keys if key.name != name])


def _write(path: Path, keys: Sequence[Key]) -> None:
    """Replace the file at once: a service that reads it meanwhile sees the old one or the new one.

    It stays its owner's, else a service could not read what root has changed, and would let in whom root has revoked.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # mkstemp lets nobody but the owner read it.
        number, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(number, "w", encoding="utf-8") as file:
                _hand_over(number, path)
                file.writelines(key.to_line() + "\n" for key in keys)
                file.flush()
                os.fsync(file.fileno())
            Path(beside).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(beside).unlink()
            raise
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}") from error


def _hand_over(number: int, path: Path) -> None:
    """Give an open file to the owner of the one at ``path``, of its directory if there is none yet."""
    owner = (path if path.exists() else path.parent).stat()
    if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()) and os.geteuid() == 0:
        os.fchown(number, owner.st_uid, owner.st_gid)


class KeyRing:
    """The keys of a file, read again when it changes. Raises ``SettingsError`` when it cannot be read at the start.

    A change that cannot be read is logged, and what was read before stays in force: a slip of the pen locks nobody out.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._stamped()
        self._keys = read_keys(path)
        self._looked = time.monotonic()
        self._lock = threading.Lock()

    def keys(self) -> tuple[Key, ...]:
        """The keys in force."""
        now = time.monotonic()
        if now - self._looked >= _LOOK_AGAIN:
            with self._lock:
                self._looked = now
                self._look_again()
        return self._keys

    def find(self, secret: str) -> Key | None:
        """Who ``secret`` belongs to, None for nobody.

        Every hash is compared, each in constant time: how long it takes tells nothing about the keys there are.
        """
        hashed = digest(secret)
        found = None
        for key in self.keys():
            if hmac.compare_digest(hashed, key.hash):
                found = key
        return found

    def _look_again(self) -> None:
        stamp = self._stamped()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._keys = read_keys(self._path)
        except SettingsError as error:
            _log.error("%s; the keys read before stay in force", error)
        else:
            _log.warning("API keys were read again: there are %d", len(self._keys))

    def _stamped(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
