"""The suite's own guards hold."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tests.conftest import ROOT, OutsideSocketError, require


def test_sockets_to_other_machines_are_refused() -> None:
    with socket.socket() as sock, pytest.raises(OutsideSocketError, match=r"192\.0\.2\.1"):
        sock.connect(("192.0.2.1", 80))
    with pytest.raises(OutsideSocketError, match=r"news\.example"):
        socket.create_connection(("news.example", 80))


def test_sockets_to_this_machine_are_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1])).close()


@pytest.mark.network
def test_the_network_mark_opens_the_guard() -> None:
    # A documentation address: nothing answers there, but the attempt is the operating system's to refuse.
    with socket.socket() as sock:
        sock.setblocking(False)
        assert sock.connect_ex(("192.0.2.1", 9)) != 0


def test_no_setting_and_no_directory_of_the_developer() -> None:
    assert not [name for name in os.environ if name in {"DATELINE_HOME", "DATELINE_MODEL", "OPENAI_API_KEY"}]
    assert not Path.cwd().is_relative_to(ROOT)
    assert not any(Path.cwd().iterdir())


def test_a_missing_part_skips_and_fails_where_ci_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    require(True, "never said")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no browser"):
        require(None, "no browser")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no browser"):
        require(None, "no browser")
