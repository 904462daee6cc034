"""Pure work on token counts: the model's own tokenizer where it lies on this machine, else a cautious estimate.

Nothing here reaches the network. tiktoken fetches its encodings when they are first used; only one that was fetched
before (``TIKTOKEN_CACHE_DIR``, else tiktoken's own cache directory) is used.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

Counter = Callable[[str], int]
"""How many tokens a text takes: never negative, and about the same for a text in two pieces."""

_BYTES_PER_TOKEN = 3.5
"""A cautious estimate: English prose has 4 and more, most other scripts are written with 3 or 4 bytes to a token."""

_ENCODING_URL = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"
"""What tiktoken files an encoding's content under, hashed."""


def estimate_tokens(text: str) -> int:
    """About how many tokens ``text`` takes; at least 1."""
    return int(len(text.encode("utf-8", "surrogatepass")) / _BYTES_PER_TOKEN) + 1


def openai_counter(model: str) -> Counter | None:
    """Counts as OpenAI's ``model`` does; None when it is none of OpenAI's, or its encoding is not on this machine."""
    import tiktoken

    try:
        name = tiktoken.encoding_name_for_model(model)
    except KeyError:
        return None
    if not _cached(name):
        return None
    encoding = tiktoken.get_encoding(name)
    # Text that spells a special token is text: it must neither raise nor count as one.
    return lambda text: len(encoding.encode_ordinary(text))


def _cached(encoding: str) -> bool:
    """Whether tiktoken finds the encoding without fetching it."""
    directory = os.environ.get("TIKTOKEN_CACHE_DIR") or os.environ.get("DATA_GYM_CACHE_DIR")
    cache = Path(directory) if directory else Path(tempfile.gettempdir(), "data-gym-cache")
    # The name of the file is tiktoken's choice, and no secret is kept by it.
    key = hashlib.sha1(_ENCODING_URL.format(encoding).encode(), usedforsecurity=False).hexdigest()
    return (cache / key).is_file()
