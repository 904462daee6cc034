"""Questions of several threads embedded together: one call of the model for all that wait when it becomes free."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qa.library.encoders import Embedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

MOST_TOGETHER = 32


@dataclass(eq=False)
class _Asked:
    """A question that waits: for its vector, or for its thread to compute the next batch."""

    text: str
    turn: threading.Event = field(default_factory=threading.Event)
    vector: Vectors | None = None
    error: BaseException | None = None

    @property
    def answered(self) -> bool:
        return self.vector is not None or self.error is not None


class BatchedQueries:
    """An embedder that computes single questions in batches; see ``Embedder``. Everything else is passed on.

    Nobody waits for a batch to fill: a question that finds the model free is computed at once, and those that come
    meanwhile are computed together, by the thread of the first of them.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._lock = threading.Lock()
        self._waiting: deque[_Asked] = deque()
        self._computing = False

    @property
    def name(self) -> str:
        """The embedder's."""
        return self._embedder.name

    @property
    def dimension(self) -> int:
        """The embedder's."""
        return self._embedder.dimension

    @property
    def max_tokens(self) -> int:
        """The embedder's."""
        return self._embedder.max_tokens

    @property
    def backend(self) -> str:
        """The embedder's."""
        return self._embedder.backend

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """The embedder's."""
        return self._embedder.token_spans(text)

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """Unit vectors in the order of ``texts``. What the model raises is raised for each question of the batch."""
        if not query or len(texts) != 1:
            return self._embedder.embed(texts, query=query)
        mine = _Asked(texts[0])
        with self._lock:
            self._waiting.append(mine)
            computing, self._computing = self._computing, True
        if computing:
            mine.turn.wait()
        if not mine.answered:
            self._compute()
        if mine.error is not None:
            raise mine.error
        assert mine.vector is not None
        return mine.vector

    def _compute(self) -> None:
        """Compute what waits, and leave the model to the first that came meanwhile."""
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(MOST_TOGETHER, len(self._waiting)))]
        try:
            vectors = self._embedder.embed([asked.text for asked in batch], query=True)
            for number, asked in enumerate(batch):
                asked.vector = vectors[number : number + 1]
        except BaseException as error:  # noqa: BLE001 - told to each thread that waits, this one included
            for asked in batch:
                asked.error = error
        with self._lock:
            if self._waiting:
                self._waiting[0].turn.set()
            else:
                self._computing = False
        for asked in batch:
            asked.turn.set()
