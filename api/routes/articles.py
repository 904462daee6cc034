"""``/articles`` and ``/status``: what the collection holds."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from api.disclosure import disclosures
from api.routes.problems import problems
from api.schemas import ArticleDetail, ArticleList, ArticleQuery, ArticlesQuery, Leaving, Status
from api.service import ServiceDep
from qa.errors import FilterError

router = APIRouter(tags=["collection"])

# Plain functions, which FastAPI runs in threads: the catalogue is synchronous. Ids may hold slashes, hence ``:path``.


@router.get("/articles", responses=problems(422, 503))
def list_articles(query: Annotated[ArticlesQuery, Query()], service: ServiceDep) -> ArticleList:
    """List articles without their texts, newest first, undated last."""
    if query.start and query.end and query.start > query.end:
        raise FilterError(f"the range from {query.start} to {query.end} is empty")
    page = service.home.catalog.articles(
        sources=query.source, start=query.start, end=query.end, query=query.q, cursor=query.cursor, limit=query.limit
    )
    return ArticleList.of(page)


@router.get("/articles/{article_id:path}", responses=problems(404, 422, 503))
def get_article(article_id: str, query: Annotated[ArticleQuery, Query()], service: ServiceDep) -> ArticleDetail:
    """Show one article: its newest version, or the one valid on a day, and the dates of all its versions."""
    return ArticleDetail.of(service.home.catalog.article(article_id, as_of=query.as_of))


@router.delete("/articles/{article_id:path}", status_code=204, responses=problems(404, 422, 503))
def delete_article(article_id: str, service: ServiceDep) -> None:
    """Delete an article. Ingesting it again does not bring it back unless asked to."""
    service.ingestion.delete(article_id)


@router.get("/status", responses=problems(503))
def status(service: ServiceDep) -> Status:
    """Count what there is, by month, source and language (`""`: none known); say what leaves the machine."""
    engine = service.engine
    status = asdict(service.home.index.status())
    leaving = tuple(Leaving(**asdict(one)) for one in disclosures(service.settings))
    return Status(**status, model=engine.models()[0], prompt_version=engine.prompt_version, leaves_machine=leaving)
