"""Which request the code at hand works for, in whatever task or thread."""

from __future__ import annotations

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request; "" outside of any."""

caller: ContextVar[str] = ContextVar("caller", default="")
"""Whom the request comes from, as :class:`api.access.Gate` found; "" where none did."""
