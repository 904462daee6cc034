"""Pure: measures of ranked lists, computed by ir-measures (pytrec_eval); checked against cases worked out by hand.

Lists are cut to the depth asked for before anything is measured. Every measure is 0 where nothing relevant was found.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ir_measures import RR, Qrel, R, ScoredDoc, Success, iter_calc, nDCG

_MISSED = "?"
"""A relevant item that no list holds, so that there is always one: measures of a list without any are not defined."""


def cutoffs(depth: int) -> tuple[int, ...]:
    """Where hits are counted: 1, 5, 10 and ``depth``, as far as lists go."""
    return tuple(sorted({one for one in (1, 5, 10, depth) if one <= depth}))


def of_passages(relevant: Sequence[Sequence[bool]], depth: int) -> list[dict[str, float]]:
    """``mrr@depth`` and ``hit@k`` of each list, from whether what stands at each rank is relevant.

    How many relevant passages there are in all is not known, so neither recall nor nDCG is told.
    """
    lists = [[str(rank) for rank, _ in enumerate(flags)] for flags in relevant]
    gold = [{str(rank) for rank, flag in enumerate(flags) if flag} for flags in relevant]
    return _measured(lists, gold, depth, whole=False)


def of_articles(found: Sequence[Sequence[str]], gold: Sequence[Collection[str]], depth: int) -> list[dict[str, float]]:
    """``mrr@depth``, ``hit@k``, ``ndcg@depth`` (gain 1 for each gold article) and ``recall@depth`` of each list.

    An article counts where it stands first. A question without gold gets 0 throughout: leave it out.
    """
    return _measured([list(dict.fromkeys(ids)) for ids in found], [set(ids) for ids in gold], depth, whole=True)


def _measured(
    lists: Sequence[Sequence[str]], gold: Sequence[set[str]], depth: int, *, whole: bool
) -> list[dict[str, float]]:
    measures = {RR: f"mrr@{depth}", **{Success @ one: f"hit@{one}" for one in cutoffs(depth)}}
    if whole:
        measures |= {nDCG @ depth: f"ndcg@{depth}", R @ depth: f"recall@{depth}"}
    qrels, run = [], []
    for number, (ids, wanted) in enumerate(zip(lists, gold, strict=True)):
        known = wanted if whole and wanted else {*wanted, _MISSED}
        qrels += [Qrel(str(number), f"d{one}", 1) for one in known]
        # Scores fall with the rank, so that nothing is tied.
        run += [ScoredDoc(str(number), f"d{one}", float(-rank)) for rank, one in enumerate(ids[:depth])]
    figures: list[dict[str, float]] = [dict.fromkeys(measures.values(), 0.0) for _ in lists]
    if not run:
        return figures
    for metric in iter_calc(list(measures), qrels, run):
        figures[int(metric.query_id)][measures[metric.measure]] = float(metric.value)
    return figures


def of_evidence(texts: Sequence[str], evidence: Sequence[str]) -> Mapping[str, float]:
    """Hits@4, Hits@10, MAP@10 and MRR@10 of one list of passages, best first, as MultiHop-RAG counts them.

    A passage is relevant when it holds one of the pieces of ``evidence`` (of which there is at least one), white space
    left out. Each rank adds the number of pieces found there for the first time, divided by the rank, to the average
    precision, which is divided by the number of pieces, at most 10. Source: Tang and Yang 2024, and the script
    published with it, which counts a hit where the passages hold any piece.
    """
    pieces = {_squeezed(piece) for piece in evidence}
    total, first = 0.0, 0
    left = set(pieces)
    for rank, text in enumerate(map(_squeezed, texts[:10]), start=1):
        held = {piece for piece in pieces if piece in text}
        if held and not first:
            first = rank
        total += len(held & left) / rank
        left -= held
    return {
        "hits@4": float(0 < first <= 4),
        "hits@10": float(first > 0),
        "map@10": total / min(len(evidence), 10),
        "mrr@10": 1 / first if first else 0.0,
    }


def _squeezed(text: str) -> str:
    return "".join(text.split())
