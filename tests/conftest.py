"""What holds for every test: no model hub, no sockets to other machines, no settings or files of the developer's own.

``require`` is how a test says that it needs a part which may be missing.
"""

from __future__ import annotations

import os

# Read when huggingface_hub is imported, so it comes before everything else.
os.environ["HF_HUB_OFFLINE"] = "1"

import ipaddress
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "tests" / "data" / "sample"

# Prefixes of variables that would let a developer's settings or keys into a test.
_OWN_VARIABLES = ("DATELINE_", "OPENAI_", "ANTHROPIC_", "GOOGLE_", "GEMINI_", "OLLAMA_", "LANGCHAIN_", "LANGSMITH_")
# Except what is there to steer tests and benches.
_STEERING = ("DATELINE_TEST_", "DATELINE_BENCH_")
_REAL_GETADDRINFO = socket.getaddrinfo

# pytest-xdist's workers ignore Ctrl-C, and so would every process that a test starts and interrupts.
if threading.current_thread() is threading.main_thread() and "PYTEST_XDIST_WORKER" in os.environ:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline: on a loaded machine the time of one example says nothing about the code.
hypothesis.settings.register_profile("dateline", deadline=None)
hypothesis.settings.load_profile("dateline")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Names for cases of sets and dicts, the same in every process: the order of a set is not."""
    if isinstance(val, (set, frozenset)):
        return str(sorted(val, key=str))
    return str(val) if isinstance(val, dict) else None


def require(present: object, reason: str) -> None:
    """Skip the test with ``reason`` unless ``present`` is true; where CI=true nothing may be missing, so fail it."""
    if present:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"needed where CI=true: {reason}")
    pytest.skip(reason)


class OutsideSocketError(RuntimeError):
    """A test spoke to another machine without the ``network`` mark.

    No ``OSError``, so that code under test does not take it for a server that is down.
    """


def _is_here(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(str(name).split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


class _Guard:
    """Lets sockets reach this machine only, unless ``open``."""

    def __init__(self) -> None:
        self.open = False

    def check(self, host: object) -> None:
        if not (self.open or _is_here(host)):
            raise OutsideSocketError(f"a test tried to reach {host!r}; mark it with @pytest.mark.network if it must")

    def connecting(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def connect(sock: socket.socket, address: Any) -> Any:
            # Unix sockets have a path for an address; pairs are (host, port, ...).
            if isinstance(address, tuple):
                self.check(address[0])
            return real(sock, address)

        return connect

    def getaddrinfo(self, host: Any, *args: Any, **options: Any) -> Any:
        self.check(host)
        return _REAL_GETADDRINFO(host, *args, **options)


@pytest.fixture(scope="session", autouse=True)
def _guard() -> Iterator[_Guard]:
    guard = _Guard()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guard.connecting(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", guard.connecting(socket.socket.connect_ex))
        patch.setattr(socket, "getaddrinfo", guard.getaddrinfo)
        yield guard


@pytest.fixture(autouse=True)
def _network_mark(_guard: _Guard, request: pytest.FixtureRequest) -> Iterator[None]:
    _guard.open = request.node.get_closest_marker("network") is not None
    yield
    _guard.open = False


@pytest.fixture(scope="session", autouse=True)
def _clean_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For fixtures that outlive one test: none of the developer's variables, and not the developer's directory."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(_OWN_VARIABLES) and not name.startswith(_STEERING):
                patch.delenv(name)
        patch.chdir(tmp_path_factory.mktemp("cwd"))
        yield


@pytest.fixture(autouse=True)
def _clean_directory(_clean_session: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test starts in an empty directory, so that neither ``.env`` nor ``.dateline`` is found or left behind."""
    monkeypatch.chdir(tmp_path)
