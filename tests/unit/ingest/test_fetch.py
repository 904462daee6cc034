from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterator

import pytest

from ingest.fetch import MAX_REDIRECTS, Fetcher, fetcher
from ingest.network import refusal
from qa.errors import InputError
from qa.settings import Settings
from tests.unit.ingest.web_server import Reply, Server, serving

PAGE = Reply(b"<p>Hello</p>")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def here(**options: object) -> Fetcher:
    """A fetcher that may reach this machine, and is in no hurry to be polite."""
    return Fetcher(**{"private": True, "delay": 0.0, **options})  # type: ignore[arg-type]


def reason(fetch: Fetcher, url: str, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        fetch.get(url, **options)  # type: ignore[arg-type]
    assert caught.value.where == url
    return caught.value.reason


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
        "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1",
        "64:ff9b::808:808", "64:ff9b:1::1", "2002:7f00:1::", "2001::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert refusal(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8"])
def test_public_addresses(address: str) -> None:
    assert refusal(address) is None


class TestGet:
    def test_content_type_and_final_address(self, server: Server) -> None:
        server.replies["/a"] = Reply(status=301, headers={"Location": "/b?x=1#part"})
        server.replies["/b?x=1"] = Reply("Grüße".encode("latin-1"), 'Text/HTML; Charset="ISO-8859-1"')
        found = here().get(server.url("/a"))
        assert found.content.decode("latin-1") == "Grüße"
        assert (found.url, found.content_type, found.charset) == (server.url("/b?x=1"), "text/html", "ISO-8859-1")

    def test_says_who_it_is(self, server: Server) -> None:
        server.replies["/a"] = PAGE
        here(user_agent="Dateline/1 (+https://a.example)").get(server.url("/a"))
        assert [headers["User-Agent"] for _, headers in server.asked] == ["Dateline/1 (+https://a.example)"] * 2

    def test_gzip(self, server: Server) -> None:
        body = b"<p>News</p>" * 50_000
        server.replies["/a"] = Reply(gzip.compress(body), headers={"Content-Encoding": "gzip"})
        assert here().get(server.url("/a")).content == body

    def test_settings(self) -> None:
        made = fetcher(Settings(fetch_timeout=3, fetch_max_bytes=2048, fetch_delay=2, fetch_user_agent="Ours"))
        assert (made.timeout, made.max_bytes, made.delay, made.private, made.user_agent) == (3, 2048, 2, False, "Ours")

    @pytest.mark.parametrize(
        "url",
        ["ftp://a.example/x", "file:///etc/passwd", "nonsense", "http://", "http://a:b@c.example/", "http://[::1", ""],
    )
    def test_not_a_url_to_fetch(self, url: str) -> None:
        assert "URL" in reason(here(), url)

    def test_error_status(self, server: Server) -> None:
        server.replies["/a"] = Reply(status=503)
        assert reason(here(), server.url("/a")) == "the server answered 503"

    def test_type_that_is_not_wanted(self, server: Server) -> None:
        server.replies["/a"] = Reply(b"GIF", "image/gif")
        assert "'image/gif'" in reason(here(), server.url("/a"), accept=["text/html"])

    def test_nobody_listens(self) -> None:
        with serving() as gone:
            pass
        assert "no connection" in reason(here(), gone.url("/a"))


class TestLimits:
    def test_too_large_as_announced(self, server: Server) -> None:
        server.replies["/a"] = Reply(b"x", headers={"Content-Length": "5000"})
        assert reason(here(max_bytes=4000), server.url("/a")) == "larger than 4,000 bytes"

    def test_too_large_without_saying(self, server: Server) -> None:
        def flood(write: Callable[[bytes], object]) -> None:
            write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
            for _ in range(10_000):
                write(b"x" * 10_000)

        server.replies["/a"] = Reply(send=flood)
        assert reason(here(max_bytes=4000), server.url("/a")) == "larger than 4,000 bytes"

    def test_gzip_bomb(self, server: Server) -> None:
        bomb = gzip.compress(bytes(200_000_000), 9)
        server.replies["/a"] = Reply(bomb, headers={"Content-Encoding": "gzip"})
        assert reason(here(max_bytes=1_000_000), server.url("/a")) == "larger than 1,000,000 bytes"

    @pytest.mark.parametrize(
        ("encoding", "body"), [("br", b"x"), ("gzip", b"no gzip"), ("gzip", gzip.compress(b"x" * 999, mtime=0)[:-9])]
    )
    def test_broken_encoding(self, server: Server, encoding: str, body: bytes) -> None:
        server.replies["/a"] = Reply(body, headers={"Content-Encoding": encoding})
        assert reason(here(), server.url("/a"))

    @pytest.mark.parametrize(
        "head", [b"", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"], ids=["headers", "body"]
    )
    def test_slow_drip(self, server: Server, head: bytes) -> None:
        def drip(write: Callable[[bytes], object]) -> None:
            write(head)
            for _ in range(200):
                write(b"X")
                time.sleep(0.05)

        server.replies["/a"] = Reply(send=drip)
        began = time.monotonic()
        assert reason(here(timeout=0.5), server.url("/a")) == "took longer than 0.5 seconds"
        assert time.monotonic() - began < 3

    def test_answer_cut_off(self, server: Server) -> None:
        server.replies["/a"] = Reply(b"half", headers={"Content-Length": "8"})
        assert "broke" in reason(here(), server.url("/a"))


class TestRedirects:
    def test_at_most_five(self, server: Server) -> None:
        for hop in range(MAX_REDIRECTS + 1):
            server.replies[f"/{hop}"] = Reply(status=302, headers={"Location": f"/{hop + 1}"})
        server.replies[f"/{MAX_REDIRECTS + 1}"] = PAGE
        assert here().get(server.url("/1")).content == PAGE.body
        assert "redirected more than 5 times" in reason(here(), server.url("/0"))

    @pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://a.example/", "http://a:b@c.example/"])
    def test_to_something_else(self, server: Server, target: str) -> None:
        server.replies["/a"] = Reply(status=302, headers={"Location": target})
        assert "URL" in reason(here(), server.url("/a"))


class Names:
    """Answers to questions about names, in order, the last one for ever; and a door for the test's own server."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self._answers = {name.replace("_", "."): list(answer) for name, answer in answers.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        answers = self._answers[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def public_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """127.0.0.1 passes for public, so that a server on it can stand for one; all others are as they are."""
    monkeypatch.setattr("ingest.network.refusal", lambda address: None if address == "127.0.0.1" else refusal(address))


class TestPrivateAddresses:
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1"])
    def test_this_machine_is_refused_by_default(self, server: Server, host: str) -> None:
        fetch = Fetcher(delay=0, resolve=lambda host, port: ["::1" if ":" in host else "127.0.0.1"])
        assert "only public addresses" in reason(fetch, server.url("/a", host))
        assert not server.asked

    def test_one_private_address_among_public_ones(self) -> None:
        fetch = Fetcher(delay=0, resolve=Names(news_example=[["8.8.8.8", "10.0.0.1"]]))
        assert "a private address (10.0.0.1)" in reason(fetch, "http://news.example/")

    @pytest.mark.usefixtures("public_here")
    def test_redirect_to_a_private_address(self, server: Server) -> None:
        names = Names(news_example=[["127.0.0.1"]], intranet_example=[["192.168.0.7"]])
        target = "http://intranet.example/secret"
        server.replies["/a"] = Reply(status=302, headers={"Location": target})
        found = reason(Fetcher(delay=0, resolve=names), server.url("/a", "news.example"))
        assert "intranet.example is a private address (192.168.0.7)" in found

    @pytest.mark.usefixtures("public_here")
    def test_redirect_to_a_private_literal(self, server: Server) -> None:
        server.replies["/a"] = Reply(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data"})
        found = reason(
            Fetcher(delay=0, resolve=Names(news_example=[["127.0.0.1"]], **{"169_254_169_254": [["169.254.169.254"]]})),
            server.url("/a", "news.example"),
        )
        assert "a link-local address" in found

    @pytest.mark.usefixtures("public_here")
    def test_a_name_that_changes_its_answer_after_the_check(self, server: Server) -> None:
        """Each connection asks once and goes where that answer says: a later one cannot redirect it unchecked."""
        server.replies["/a"] = PAGE
        names = Names(rebind_example=[["127.0.0.1"], ["127.0.0.1"], ["127.0.0.2"]])
        fetch = Fetcher(delay=0, resolve=names)
        assert fetch.get(server.url("/a", "rebind.example")).content == PAGE.body
        assert names.asked == ["rebind.example"] * 2  # robots.txt and the page: one question each
        assert server.asked[-1][1]["Host"] == f"rebind.example:{server.port}"
        assert "a loopback address (127.0.0.2)" in reason(fetch, server.url("/a", "rebind.example"))


class TestManners:
    def test_robots_are_asked_once_and_obeyed(self, server: Server) -> None:
        server.replies |= {"/open": PAGE, "/closed/a": PAGE}
        server.replies["/robots.txt"] = Reply(b"User-agent: *\nDisallow: /closed/\n", "text/plain")
        fetch = here()
        fetch.get(server.url("/open"))
        assert "robots.txt of 127.0.0.1 does not allow it" in reason(fetch, server.url("/closed/a"))
        assert [path for path, _ in server.asked] == ["/robots.txt", "/open"]

    def test_rules_for_the_name_it_gives(self, server: Server) -> None:
        server.replies["/a"] = PAGE
        server.replies["/robots.txt"] = Reply(b"User-agent: dateline\nDisallow: /\n\nUser-agent: *\nAllow: /\n")
        assert reason(here(user_agent="Dateline/2 (x)"), server.url("/a"))
        assert here(user_agent="Another").get(server.url("/a"))

    def test_where_a_redirect_leads_is_asked_too(self, server: Server) -> None:
        server.replies["/a"] = Reply(status=302, headers={"Location": "/closed"})
        server.replies["/robots.txt"] = Reply(b"User-agent: *\nDisallow: /closed\n")
        assert "robots.txt" in reason(here(), server.url("/a"))
        assert server.paths == ["/a"]

    @pytest.mark.parametrize("status", [500, 503, 429])
    def test_rules_that_cannot_be_had_forbid(self, server: Server, status: int) -> None:
        server.replies |= {"/a": PAGE, "/robots.txt": Reply(status=status)}
        assert f"robots.txt of 127.0.0.1 cannot be read (the server answered {status})" == reason(
            here(), server.url("/a")
        )

    @pytest.mark.parametrize("status", [401, 403, 404, 410])
    def test_no_rules_allow(self, server: Server, status: int) -> None:
        server.replies |= {"/a": PAGE, "/robots.txt": Reply(status=status)}
        assert here().get(server.url("/a"))

    def test_large_rules_are_read_as_far_as_they_must_be(self, server: Server) -> None:
        server.replies |= {"/a": PAGE, "/robots.txt": Reply(b"User-agent: *\nDisallow: /a\n" + b"#" * 1_000_000)}
        assert reason(here(), server.url("/a"))

    def test_waits_between_two_requests_to_one_host(self, server: Server) -> None:
        server.replies |= {"/a": PAGE, "/b": PAGE}
        fetch = here(delay=0.2)
        began = time.monotonic()
        fetch.get(server.url("/a"))
        fetch.get(server.url("/b"))
        assert 0.4 <= time.monotonic() - began < 3

    def test_a_longer_wait_that_robots_ask_for(self, server: Server) -> None:
        server.replies |= {"/a": PAGE, "/robots.txt": Reply(b"User-agent: *\nCrawl-delay: 1\n")}
        fetch = here()
        began = time.monotonic()
        fetch.get(server.url("/a"))
        fetch.get(server.url("/a"))
        assert 1 <= time.monotonic() - began < 5
