"""A whole collection embedded anew: the articles kept are cut as an ingest would cut them, then embedded."""

from __future__ import annotations

from ingest.cutting import cut, most_tokens
from qa.library.home import Home
from qa.library.reembedding import Reembedding, ReembedReport, Watcher
from qa.library.staging import Target

__all__ = ["ReembedReport", "Watcher", "reembed"]


def reembed(home: Home, watcher: Watcher, *, discard: bool = False) -> ReembedReport:
    """Change ``home``, opened for writing with ``any_model``, over to model, backend and chunk size of its settings.

    See :meth:`qa.library.reembedding.Reembedding.run`.
    """
    tokens = most_tokens(home)
    target = Target(home.embedder.name, home.settings.embedding_backend, tokens)
    return Reembedding(home, target, lambda text: cut(text, home.embedder, tokens)).run(watcher, discard=discard)
