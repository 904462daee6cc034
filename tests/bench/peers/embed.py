"""Vectors for the peers: ``python -m tests.bench.peers.embed TEXTS.jsonl VECTORS`` adds those that are not there yet.

All peers' chunks are embedded by Dateline's fast encoder, in minutes rather than an hour each. Its vectors are compared
with float32's; were they not all but equal, all would be computed in float32.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from qa.library.bundled import EXACT, FEW, TORCH, BundledEmbedder
from tests.bench.peers.known import Known

LEAST_COSINE = 0.999
_AT_ONCE = 4_096


def add(texts: list[str], known: Known) -> float:
    """Embed and keep those of ``texts`` that have no vector; returns the lowest cosine to float32 in a sample."""
    new = known.missing(texts)
    if not new:
        return 1.0
    sample = new[:: -(-len(new) // FEW)]
    fast, exact = BundledEmbedder(TORCH), BundledEmbedder(EXACT).embed(sample)
    # Repeated, it is not a small call, which would be computed in float32 anyway.
    cosines = (fast.embed(sample * (FEW // len(sample) + 1))[: len(sample)] * exact).sum(axis=1)
    lowest = float(np.min(cosines))
    chosen = fast if lowest >= LEAST_COSINE else BundledEmbedder(EXACT)
    # By length, so that little is padding; a part at a time, so that an interrupted run is gone on with.
    new.sort(key=len)
    for i in range(0, len(new), _AT_ONCE):
        part = new[i : i + _AT_ONCE]
        known.add(zip(part, chosen.embed(part).tolist(), strict=True))
    return lowest if chosen is fast else 1.0


def main() -> None:
    """Embed the texts of a file."""
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    known = Known(Path(sys.argv[2]), BundledEmbedder.name)
    new = len(known.missing(texts))
    print(json.dumps({"texts": len(texts), "new": new, "cosine": add(texts, known)}))


if __name__ == "__main__":
    main()
