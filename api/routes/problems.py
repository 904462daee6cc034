"""Says in the OpenAPI document which errors a route may answer with."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from api.handlers import PROBLEM_MEDIA_TYPE
from api.schemas import Problem

EVERYWHERE = (401, 403, 421, 429, 500)
WITH_BODY = (400, 408, 413, 415, 422)
OF_MODELS = (502, 503, 504)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """FastAPI's ``responses`` for problem documents with these statuses, and those any route may answer with."""
    return {status: {"model": Problem, "description": HTTPStatus(status).phrase} for status in (*statuses, *EVERYWHERE)}


def events(description: str, **names: Any) -> dict[str, Any]:
    """FastAPI's description of a stream's media type, as it describes those of its own: an event has ``names``."""
    told = {name: {"type": "string", **more} for name, more in names.items()}
    properties = {"data": {"type": "string"}, **told}
    item = {"type": "object", "properties": properties, "required": ["data", *names], "description": description}
    return {"text/event-stream": {"itemSchema": item}}


def name_media_type(document: dict[str, Any]) -> dict[str, Any]:
    """The same OpenAPI document, with problems under their own media type: FastAPI names the route's."""
    for path in document["paths"].values():
        for operation in path.values():
            for response in operation["responses"].values():
                content = response.get("content", {})
                for media_type in list(content):
                    if content[media_type].get("schema", {}).get("$ref", "").endswith("/Problem"):
                        content[PROBLEM_MEDIA_TYPE] = content.pop(media_type)
    return document
