"""Which language an article is in, by its own words (py3langid: naive Bayes over byte n-grams, Lui and Baldwin 2012).

What a page, feed or record declares of itself is often only its template's default, so it decides nothing that the
text decides.
"""

from __future__ import annotations

import lzma
import re
import shutil
import threading
from array import array
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from py3langid.langid import LanguageIdentifier

_SAMPLE = 1_000
"""Code points looked at. More costs time and changes no verdict on news."""
_CERTAIN = 0.5
"""Least probability of a verdict. Of 112 headlines and sentences in eight languages none above it was wrong; 14
headlines, two of which the likeliest language was not that of, fell below it."""
_LIKELY = 5
"""A declared language is believed when the text is not certain and has it among so many likeliest ones."""
_VARIETIES = {"ary": "ar", "arz": "ar", "wuu": "zh", "yue": "zh"}
"""Spoken varieties, which the model tells from what newspapers in these countries print, and their written language."""
_CODE = re.compile(r"[a-z]{2}(?![a-z])")
_loading = threading.Lock()


def identify(text: str, declared: str | None = None) -> str | None:
    """The ISO 639-1 code of the language that ``text`` begins in; None when that is not certain.

    ``declared`` is what the source says of it, such as ``en`` or ``pt-BR``; it counts only where the text leaves doubt
    and does not speak against it. The first call loads the model: half a second and 80 MB; each takes a third of a
    millisecond.
    """
    likely = _likeliest(text[:_SAMPLE])
    best, probability = next(iter(likely.items()))
    if probability >= _CERTAIN:
        # Some of the languages known have no code of two letters; "zxx" stands for numbers, markup and the like.
        return best if _CODE.fullmatch(best) else None
    said = _CODE.match((declared or "").strip().lower())
    return said[0] if said and said[0] in likely else None


def _likeliest(text: str) -> dict[str, float]:
    """The likeliest languages with their probabilities, best first."""
    found: dict[str, float] = {}
    for name, probability in _identifier().rank(text):
        language = _VARIETIES.get(name, name)
        found[language] = found.get(language, 0.0) + probability
    return dict(sorted(found.items(), key=lambda pair: -pair[1])[:_LIKELY])


@lru_cache(maxsize=1)
def preload() -> None:
    """Begin to load the model in a thread beside, once for the process: unpacking it is work for another core."""
    threading.Thread(target=_identifier, name="dateline-language", daemon=True).start()


def _identifier() -> LanguageIdentifier:
    with _loading:
        return _loaded()


@lru_cache(maxsize=1)
def _loaded() -> LanguageIdentifier:
    """The model, unpacked in memory.

    The library's own way leads through a temporary file of 70 MB, which a disk that is full, or a container that may
    not write, refuses.
    """
    import numpy as np
    from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier

    unpacked = BytesIO()
    with lzma.open(MODEL_DIR / MODEL_FILE) as packed:
        shutil.copyfileobj(packed, unpacked)
    unpacked.seek(0)
    with np.load(unpacked, allow_pickle=False) as model:
        return LanguageIdentifier(
            model["ptc"],
            model["pc"],
            model["classes"].tolist(),
            _numbers(model["nextmove"]),
            model["out_feat"].tolist(),
            norm_probs=True,
            tk_row=_numbers(model["nextmove_row"]),
        )


def _numbers(values: NDArray[np.unsignedinteger[Any]]) -> array[int]:
    """The same as Python's own array, whose elements are read several times as fast one by one."""
    numbers = array({2: "H", 4: "I"}[values.itemsize])
    numbers.frombytes(values.data.cast("B"))
    return numbers
