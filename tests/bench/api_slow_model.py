"""A chat model's server that takes its time, and counts who hangs up on it.

``python -m tests.bench.api_slow_model PORT SECONDS`` answers every question in pieces, over so many seconds.
``GET /counts`` says how many replies were begun, finished and left by their callers, and how many are open.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator

_PIECES = 20
_SENTENCE = "The articles report on this at length and in detail. "


def chunk(text: str | None) -> str:
    """A piece of a reply as OpenAI's servers send it; None ends it."""
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": "stop" if text is None else None}
    told = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "slow", "choices": [choice]}
    return f"data: {json.dumps(told)}\n\n"


def main(port: int, seconds: float) -> None:
    """Serve until told to stop."""
    import uvicorn
    from fastapi import FastAPI
    from fastapi.responses import StreamingResponse

    app = FastAPI()
    counts = {"begun": 0, "finished": 0, "left": 0, "open": 0}

    async def reply() -> AsyncIterator[str]:
        counts["begun"] += 1
        counts["open"] += 1
        how = "left"
        try:
            for _ in range(_PIECES):
                yield chunk(_SENTENCE)
                await asyncio.sleep(seconds / _PIECES)
            yield chunk(None)
            yield "data: [DONE]\n\n"
            how = "finished"
        finally:
            counts["open"] -= 1
            counts[how] += 1

    @app.post("/v1/chat/completions")
    async def complete() -> StreamingResponse:
        return StreamingResponse(reply(), media_type="text/event-stream")

    @app.get("/counts")
    async def tell() -> dict[str, int]:
        return counts

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
