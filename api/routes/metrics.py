"""``/metrics``: figures for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.measures import CONTENT_TYPE
from api.routes.problems import problems
from api.service import ServiceDep

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **problems(503)},
)
def metrics(service: ServiceDep) -> Response:
    """Tell what was counted and timed, in Prometheus' text format; of all workers together."""
    measures = service.measures
    measures.backlog.set(service.home.index.backlog())
    measures.jobs.set(service.ingestion.jobs.pending())
    return Response(measures.text(), media_type=CONTENT_TYPE)
