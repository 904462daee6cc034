"""HTTP on the wire: uvicorn's protocol, which would wait for a request's head, and keep of it, without an end."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 20.0
"""For the head of a request from its first byte on (of the first one, from when the connection was made)."""
HEAD_BYTES = 65_536
"""Of a request's line and headers. What is refused is what is longer by more than one read of the socket."""


class BoundedProtocol(HttpToolsProtocol):
    """Answers 408 to a head that takes longer than ``HEAD_SECONDS`` and 431 to one of over ``HEAD_BYTES``.

    A caller that was answered before the end of its body is given as long to end it. Then the connection is closed.
    """

    _timer: asyncio.TimerHandle | None = None
    _in_head = True
    _head_bytes = 0
    _ended = False
    """Whether a message came to its end with what was read last."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._start()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, and see that a head does not get too long."""
        if self._in_head and self._timer is None:
            self._start()
        waited, self._ended = self._in_head, False
        super().data_received(data)
        # A head that begins behind a message is counted from the next read on: what was read is mostly the message.
        if self._in_head and waited and not self._ended:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """A head begins, maybe behind a message."""
        super().on_message_begin()
        if self._timer is None:
            self._start()

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._in_head, self._head_bytes = False, 0
        self._stop()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body is there; what comes next is another head, if it comes."""
        self._in_head = self._ended = True
        self._stop()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The caller has its answer, and may still be sending."""
        super().on_response_complete()
        if not self._in_head and not self.transport.is_closing():
            self._start()

    def _start(self) -> None:
        self._stop()
        self._timer = self.loop.call_later(HEAD_SECONDS, self._late)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        if self.cycle is not None and not self.cycle.response_complete:
            # The next request is late while the one before it is being answered: that one is not broken off.
            self._start()
        elif self._in_head and self._head_bytes:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        """Say so in uvicorn's own words for what is no request, and close."""
        if self.transport.is_closing():
            return
        self._stop()
        if self.cycle is None or self.cycle.response_complete:
            lines = (f"HTTP/1.1 {status.value} {status.phrase}", "content-length: 0", "connection: close", "", "")
            self.transport.write("\r\n".join(lines).encode("ascii"))
        self.transport.close()
