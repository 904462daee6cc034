"""``/health``: for whoever keeps the service running."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from api.errors import Failure
from api.handlers import ProblemResponse, request_id_of
from api.routes.problems import problems
from api.schemas import Health
from api.service import ServiceDep
from qa.errors import DatelineError

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live", responses=problems())
async def live() -> Health:
    """Say that the process answers."""
    return Health()


@router.get("/ready", response_model=Health, responses=problems(503))
def ready(request: Request, service: ServiceDep) -> Health | Response:
    """Say whether questions can be answered: 503 while the embedding model loads, or when a part is out of reach."""
    checks = {"catalog": "ok", "embedding_model": service.warmth.state}
    try:
        service.home.catalog.revision()
    except DatelineError as error:
        checks["catalog"] = str(error)
    if all(state == "ok" for state in checks.values()):
        return Health(checks=checks)
    failure = Failure(
        status=503,
        title=HTTPStatus.SERVICE_UNAVAILABLE.phrase,
        detail="Not ready: " + ", ".join(f"{part} ({state})" for part, state in checks.items() if state != "ok") + ".",
        code="not_ready",
    )
    return ProblemResponse(failure.problem(request_id_of(request.scope)) | {"checks": checks}, failure.status)
