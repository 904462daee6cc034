"""``/health``: for whoever keeps the service running."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.errors import refused
from api.handlers import ProblemResponse, request_id_of
from api.readiness import OK
from api.routes.problems import problems
from api.schemas import Health
from api.service import ServiceDep

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live", responses=problems())
async def live() -> Health:
    """Say that the process answers."""
    return Health()


@router.get("/ready", response_model=Health, responses=problems(503))
async def ready(request: Request, service: ServiceDep) -> Health | Response:
    """Say whether questions can be answered: 503 while the embedding model loads, or when a part is out of reach."""
    checks = await service.readiness.checks()
    if all(state == OK for state in checks.values()):
        return Health(checks=checks)
    wrong = ", ".join(f"{part} ({state})" for part, state in checks.items() if state != OK)
    failure = refused("not_ready", f"Not ready: {wrong}.")
    return ProblemResponse(failure.problem(request_id_of(request.scope)) | {"checks": checks}, failure.status)
