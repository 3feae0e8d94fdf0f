"""What every endpoint shares: whom it lets in, and how it answers."""

from __future__ import annotations

import json
from secrets import compare_digest
from typing import Any

from fastapi import Depends, HTTPException
from fastapi.responses import Response
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from . import host

PREFIX = "/hypersd/v1"

_basic = HTTPBasic(auto_error=False)


def authorised(given: HTTPBasicCredentials | None = Depends(_basic)) -> None:  # noqa: B008 - FastAPI's way
    """A dependency that asks for the API's credentials wherever the host's own API does."""
    known = host.credentials()
    if not known:
        return
    expected = known.get(given.username) if given else None
    if expected is None or given is None or not compare_digest(given.password.encode(), expected.encode()):
        raise HTTPException(401, "Incorrect username or password", {"WWW-Authenticate": "Basic"})


class Json(Response):
    """JSON in ASCII: a prompt may hold half a surrogate pair, which no encoding takes."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False).encode()


def unprocessable(field: tuple[str, ...], message: str) -> Response:
    """FastAPI's own form of a 422, the input left out: it may be NaN or a megabyte."""
    return Json({"detail": [{"loc": ["body", *field], "msg": message, "type": "value_error"}]}, 422)


def json_body(schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    """What a route tells in the host's API page of the JSON body that it reads itself."""
    content = {"application/json": {"schema": {"type": "object", **schema}, "example": example}}
    return {"requestBody": {"required": True, "content": content}}
