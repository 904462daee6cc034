"""A reranker held to its time, so that it never costs more than it may: see :class:`Reranking`.

A cross-encoder reads question and passage as one text, which tells more than two vectors do and costs thousands of
times as much: it is for the few passages that are best already ("Passage re-ranking with BERT", Nogueira and Cho 2019).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic

from qa.library.encoders import CrossEncoderReranker, Reranker

BATCH = 8
"""Passages scored at a time; between two batches a rerank that has run out of time ends."""

_log = logging.getLogger(__name__)


class Reranking:
    """A reranker and the most it may cost: ``candidates`` passages a question, ``timeout`` seconds.

    Passages are scored by one thread beside the callers', one question after the other. One that runs out of time
    ends after the batch it is at; until then nobody waits for it, and later questions do without.
    """

    def __init__(self, reranker: Reranker, *, candidates: int = 30, timeout: float = 2.0) -> None:
        self.candidates = candidates
        self.timeout = timeout
        self._reranker = reranker
        self._beside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dateline-rerank")
        self._late: Future[list[float]] | None = None

    def load(self) -> None:
        """Load the model, which takes what time it takes. Raises ``ModelMissingError`` and ``SettingsError``."""
        self._reranker.load()

    def scores(self, question: str, texts: Sequence[str]) -> tuple[list[float] | None, str]:
        """One score for each of ``texts``, and ""; or None, and why there are none.

        Raises what :meth:`load` raises. Other failures are the passages' or the model's, and cost no answer.
        """
        self.load()
        deadline = monotonic() + self.timeout
        late = self._late
        if late is not None and not late.done():
            return None, "the reranker is still busy with an earlier question"
        running = self._beside.submit(self._scored, question, texts, deadline)
        try:
            return running.result(timeout=self.timeout), ""
        except TimeoutError:
            # One that has not begun never will; one that has ends by itself.
            if not running.cancel():
                self._late = running
            return None, f"the reranker took longer than {self.timeout:g} s"
        except Exception as error:  # noqa: BLE001  any model can fail on any text; there is an order without it
            _log.debug("%s failed on a question", self._reranker.name, exc_info=True)
            return None, f"the reranker failed ({type(error).__name__})"

    def _scored(self, question: str, texts: Sequence[str], deadline: float) -> list[float]:
        scores = [0.0] * len(texts)
        # Of like length, so that little of a batch is padding.
        order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
        for first in range(0, len(order), BATCH):
            if monotonic() >= deadline:
                raise TimeoutError
            some = order[first : first + BATCH]
            for i, score in zip(some, self._reranker.scores(question, [texts[i] for i in some]), strict=True):
                scores[i] = score
        if not all(map(math.isfinite, scores)):
            raise ArithmeticError("a score that is no number")
        return scores


def make_reranking(name: str | None, *, candidates: int, timeout: float) -> Reranking | None:
    """The reranking that the settings ask for; None for no name. Nothing is loaded yet."""
    return Reranking(CrossEncoderReranker(name), candidates=candidates, timeout=timeout) if name else None
