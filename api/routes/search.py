"""``GET /search``: passages and their scores, no answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.routes.problems import problems
from api.schemas import SearchQuery
from api.search_schemas import SearchResponse
from api.service import ServiceDep

router = APIRouter(tags=["questions"])


@router.get("/search", responses=problems(404, 422, 503))
async def search(query: Annotated[SearchQuery, Query()], service: ServiceDep) -> SearchResponse:
    """Find passages, best first, as an answer would be made from them."""
    ask = query.to_ask()
    service.engine.check(ask)
    found = await service.engine.search(ask, k=query.k)
    return SearchResponse.of(query.q, found, explain=query.explain)
