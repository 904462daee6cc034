"""``/sessions``: conversations that the service keeps for those who name one in ``POST /chat``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from api.routes.problems import problems
from api.schemas import SESSION_ID
from api.service import OwnerDep, ServiceDep
from api.session_schemas import SessionDetail

router = APIRouter(tags=["questions"])

SessionId = Annotated[str, Path(pattern=SESSION_ID, description="The session_id it was begun with.")]


@router.get("/sessions/{session_id}", responses=problems(404, 422, 503))
async def get_session(session_id: SessionId, service: ServiceDep, owner: OwnerDep) -> SessionDetail:
    """Show a conversation, oldest question first."""
    return SessionDetail.of(await service.conversations.get(owner, session_id))


@router.delete("/sessions/{session_id}", status_code=204, responses=problems(404, 422, 503))
async def delete_session(session_id: SessionId, service: ServiceDep, owner: OwnerDep) -> None:
    """Forget a conversation, once the questions that are being answered in it have been."""
    await service.conversations.delete(owner, session_id)
