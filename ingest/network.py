"""Connections to addresses that were checked: what keeps a fetched URL from reaching into this network.

A host's name is resolved once for a connection, every address it has is checked, and the connection goes to one of
those very addresses. Nothing is resolved twice, so a name that answers differently the second time gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import httpcore

Resolve = Callable[[str, int], list[str]]
"""The addresses of a host, best first. Raises ``OSError`` when it has none."""

_TRANSLATED = (
    ipaddress.ip_network("64:ff9b::/96"),  # NAT64
    ipaddress.ip_network("64:ff9b:1::/48"),  # NAT64 of a network's own
    ipaddress.ip_network("2002::/16"),  # 6to4
    ipaddress.ip_network("2001::/32"),  # Teredo
    ipaddress.ip_network("::/96"),  # IPv4-compatible
)
"""IPv6 networks whose addresses stand for IPv4 ones, private ones among them."""


class RefusedAddressError(Exception):
    """A host has an address that may not be connected to. The message is the reason, for people."""


class DeadlineError(Exception):
    """The time for the whole request is used up."""


def refusal(address: str) -> str | None:
    """Why ``address`` (IPv4 or IPv6, with or without a zone) is not one of the public internet; None when it is."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        elif any(ip in network for network in _TRANSLATED) and not (ip.is_loopback or ip.is_unspecified):
            return "an IPv6 address that stands for an IPv4 one"
    kinds = (
        (ip.is_unspecified, "the unspecified address"),
        (ip.is_loopback, "a loopback address"),
        (ip.is_link_local, "a link-local address"),
        (ip.is_multicast, "a multicast address"),
        (ip.is_reserved, "a reserved address"),
        (not ip.is_global, "a private address"),
    )
    return next((kind for holds, kind in kinds if holds), None)


def resolve(host: str, port: int) -> list[str]:
    """The system's answer: the addresses of ``host`` in the order to try them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass
class CheckedBackend(httpcore.NetworkBackend):
    """Connects to public addresses only (to any when ``private``), and to none after ``deadline``.

    ``deadline`` is in seconds of ``time.monotonic``: every wait on the connection ends there, however slowly its other
    side drips.
    """

    deadline: float
    private: bool = False
    resolve: Resolve = resolve
    _backend: httpcore.NetworkBackend = field(default_factory=httpcore.SyncBackend)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first address of ``host`` that takes one. Raises ``RefusedAddressError``."""
        failure: httpcore.ConnectError | httpcore.ConnectTimeout = httpcore.ConnectError("the host has no address")
        for address in self._checked(host, port):
            try:
                stream = self._backend.connect_tcp(
                    address, port, within(timeout, self.deadline), local_address, socket_options
                )
                return _TimedStream(stream, self.deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def _checked(self, host: str, port: int) -> list[str]:
        try:
            addresses = self.resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the host's name cannot be resolved ({error})") from error
        if not self.private:
            # One bad address refuses the host: a name that is half private is a trap or a mistake.
            for address in addresses:
                if reason := refusal(address):
                    raise RefusedAddressError(f"{host} is {reason} ({address})")
        return addresses


class _TimedStream(httpcore.NetworkStream):
    """A stream whose every operation ends by the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, within(timeout, self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, within(timeout, self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, within(timeout, self._deadline))
        return _TimedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def within(timeout: float | None, deadline: float) -> float:
    """``timeout`` seconds, or what is left until ``deadline`` when that is less. Raises ``DeadlineError`` past it."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise DeadlineError
    return left if timeout is None else min(timeout, left)
