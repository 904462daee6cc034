"""The measured halves of ``tests.bench.ingest``, each run in a process of its own.

``python -m tests.bench.ingest_parts PART JSON`` calls the function ``PART`` with the JSON object's members and prints
what it returns as one line of JSON. Seconds are wall time, sizes bytes.
"""

from __future__ import annotations

import hashlib
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Figures = dict[str, Any]

PEAK_UNIT = 1024 if sys.platform.startswith("linux") else 1
"""What getrusage counts the peak of memory in."""


class StandIn:
    """An embedder that costs next to nothing, so that what is left is the pipeline's own."""

    name = "stand-in"
    dimension = 384
    max_tokens = 254
    backend = "stand-in"

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """A token is five characters."""
        return [(start, min(start + 5, len(text))) for start in range(0, len(text), 5)]

    def embed(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        """A random direction for each text, always the same one."""
        import numpy as np

        seeds = [int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) for text in texts]
        rows = np.array([np.random.default_rng(seed).standard_normal(self.dimension) for seed in seeds])
        unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        return unit


WARM_UP = tuple(f"word{number}" for number in range(100))


def peak() -> int:
    """The most memory this process has held. A parent's counts until the child has more: keep parents small."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT


def size_of(folder: Path) -> int:
    """Bytes of all files in ``folder``."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def dateline(articles: str, home: str) -> Figures:
    """Dateline's pipeline with the settings in force."""
    begun = time.perf_counter()
    from ingest.dedup import bands
    from ingest.language import identify
    from ingest.pipeline import Pipeline
    from qa.library.home import open_home
    from qa.settings import load_settings

    with open_home(load_settings(home=Path(home)), write="ingest") as opened:
        opened.embedder.embed(["warm up"])
        opened.store.count()
        # What is imported and unpacked at first use is loading, too, as the other pipeline's imports are.
        identify("warm up")
        bands(" ".join(WARM_UP))
        loaded = time.perf_counter()
        # The process that waits for the words to be found takes its time from here.
        sys.stderr.write("begun\n")
        sys.stderr.flush()
        report = Pipeline(opened).run([Path(articles)])
        ended = time.perf_counter()
        status = opened.index.status()
        figures = {
            "seconds": ended - loaded, "load": loaded - begun, "read": report.read, "articles": status.articles,
            "chunks": status.chunks, "embedded": report.chunks_embedded, "failed": len(report.failed),
            "stages": dict(report.seconds), "backend": opened.embedder.backend,
        }  # fmt: skip
    return {**figures, "peak": peak(), "disk": size_of(Path(home))}


def plain(articles: str, folder: str) -> Figures:
    """What a tutorial builds: LangChain's splitter, its embeddings on the bundled weights, its Chroma."""
    begun = time.perf_counter()
    from langchain_chroma import Chroma
    from langchain_core.documents import Document
    from langchain_huggingface import HuggingFaceEmbeddings
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    from qa.library.encoders import bundled_path

    embeddings = HuggingFaceEmbeddings(model_name=str(bundled_path()))
    embeddings.embed_query("warm up")
    store = Chroma(collection_name="plain", embedding_function=embeddings, persist_directory=folder)
    loaded = time.perf_counter()
    with Path(articles).open(encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    documents = [
        Document(page_content=one["text"], metadata={"url": one["url"], "published": one.get("published") or ""})
        for one in records
    ]
    pieces = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200).split_documents(documents)
    # One call of Chroma takes at most 5,461.
    for i in range(0, len(pieces), 5_000):
        store.add_documents(pieces[i : i + 5_000])
    ended = time.perf_counter()
    return {
        "seconds": ended - loaded, "load": loaded - begun, "read": len(records), "chunks": len(pieces),
        "peak": peak(), "disk": size_of(Path(folder)),
    }  # fmt: skip


def findable(articles: str, home: str, wanted: int) -> Figures:
    """Seconds until another process finds ``wanted`` articles in the lexical index of a home that is being filled."""
    from qa.errors import DatelineError
    from qa.library.home import open_home
    from qa.settings import load_settings

    settings = load_settings(home=Path(home))
    told = json.dumps({"articles": articles, "home": home})
    command = [sys.executable, "-m", "tests.bench.ingest_parts", "dateline", told]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as child:
        try:
            assert child.stderr
            if not any(line == "begun\n" for line in child.stderr):
                raise SystemExit("the ingest that was to be watched did not begin")
            begun = time.perf_counter()
            with open_home(settings) as reading:
                while True:
                    ended = child.poll() is not None
                    try:
                        reading.refresh()
                        found = {one.rsplit(".", 2)[0] for one in reading.lexical.ids()}
                    except DatelineError:
                        found = set()
                    if len(found) >= wanted:
                        return {"seconds": time.perf_counter() - begun}
                    if ended:
                        raise SystemExit(f"the ingest ended with {len(found)} of {wanted} articles findable")
                    time.sleep(0.05)
        finally:
            child.kill()


def exactness(home: str, sample: int) -> Figures:
    """Cosines of the vectors stored to those sentence-transformers computes of the same texts in float32."""
    import numpy as np

    from qa.library.embedding import searched
    from qa.library.encoders import make_embedder
    from qa.library.home import open_home
    from qa.settings import load_settings

    with open_home(load_settings(home=Path(home))) as opened:
        ids = sorted(opened.store.ids())
        ids = random.Random(0).sample(ids, min(sample, len(ids)))
        chunks = opened.catalog.chunks_by_id(ids)
        texts = [searched(chunks[one]) for one in ids]
        exact = make_embedder(opened.embedder.name, backend="torch").embed(texts)
        cosines = [opened.store.nearest(vector, 1, among=[one])[0][1] for one, vector in zip(ids, exact, strict=True)]
        tokens = [min(len(opened.embedder.token_spans(text)), opened.embedder.max_tokens) + 2 for text in texts]
    return {
        "n": len(ids), "mean": float(np.mean(cosines)), "lowest": float(np.min(cosines)),
        "tokens": float(np.mean(tokens)), "flops": float(np.mean([flops(count) for count in tokens])),
    }  # fmt: skip


def flops(tokens: int) -> float:
    """Operations of all-MiniLM-L6-v2's matrix products on one text: 6 layers, 384 wide, 1,536 in between."""
    weights = 4 * 384 * 384 + 2 * 384 * 1536
    return 6 * 2.0 * tokens * (weights + 2 * tokens * 384)


def standing_in(articles: str, home: str, *, chroma: bool = True) -> Figures:
    """An ingest with the stand-in embedder; without ``chroma`` vectors are thrown away instead of stored."""
    from ingest.pipeline import Pipeline
    from qa.library.home import open_home
    from qa.settings import load_settings

    with open_home(load_settings(home=Path(home)), write="ingest", embedder=StandIn()) as opened:
        if not chroma:
            opened.store.upsert = lambda *_told, **_more: None  # type: ignore[method-assign]
        begun = time.perf_counter()
        report = Pipeline(opened).run([Path(articles)])
        seconds = time.perf_counter() - begun
        chunks = opened.index.status().chunks
    return {"seconds": seconds, "read": report.read, "unchanged": report.unchanged, "chunks": chunks, "peak": peak()}


def matrix_limit() -> Figures:
    """Most operations a second of this machine's matrix products, by type; each the best of some tries."""
    import numpy as np
    import torch

    def best(product: Callable[[], object], tries: int = 12) -> float:
        times = []
        for _ in range(tries):
            begun = time.perf_counter()
            product()
            times.append(time.perf_counter() - begun)
        return 2 * side**3 / min(times)

    side = 1536
    a, b = np.random.default_rng(0).standard_normal((2, side, side)).astype(np.float32)
    ta, tb = torch.from_numpy(a), torch.from_numpy(b)
    ba, bb = ta.bfloat16(), tb.bfloat16()
    ia, ib = (torch.randint(-127, 127, (side, side), dtype=torch.int8) for _ in range(2))
    return {
        "float32": max(best(lambda: a @ b), best(lambda: ta @ tb)),
        "bfloat16": best(lambda: ba @ bb),
        "int8": best(lambda: torch._int_mm(ia, ib)),
    }


PARTS = (dateline, plain, findable, exactness, standing_in, matrix_limit)

if __name__ == "__main__":
    part = next(one for one in PARTS if one.__name__ == sys.argv[1])
    print(json.dumps(part(**json.loads(sys.argv[2]))))
