"""What every endpoint shares: whom it lets in, and how it answers. docs/security.md says the same for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Mapping
from secrets import compare_digest
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from starlette.exceptions import HTTPException as AnyHTTPException

from .. import TITLE
from ..host import options, server
from ..models import bounded_json

PREFIX = "/hypersd/v1"
MAX_BODY_BYTES = 16 * 1024 * 1024
"""Room for a txt2img body with pictures in it, which the plan endpoint passes over."""
MAX_BODY_VALUES = 65_536

_basic = HTTPBasic(auto_error=False)


def guarded_router() -> APIRouter:
    """Routes under PREFIX that strangers, and other sites' pages, can't use."""
    return APIRouter(prefix=PREFIX, route_class=_Route, dependencies=[Depends(_from_no_other_site), Depends(_known)])


def _known(request: Request, given: HTTPBasicCredentials | None = Depends(_basic)) -> None:  # noqa: B008 - FastAPI's way
    """Ask for the API's credentials wherever the host's own API does. 401.

    Where it asks for none but the page has a login, the page's: by its cookie, or by name and password.
    """
    asked = server.credentials()
    if asked is None:
        page = getattr(request.app, "auth", None)  # gradio's; an API without a page has none
        if page is None or _logged_in(request):
            return
        asked = page if isinstance(page, Mapping) else {}
    if given is None or not _matches(given, asked):
        raise HTTPException(401, "Incorrect username or password", {"WWW-Authenticate": "Basic"})


def _matches(given: HTTPBasicCredentials, asked: Mapping[str, str]) -> bool:
    expected = asked.get(given.username)
    return expected is not None and compare_digest(given.password.encode(), expected.encode())


def _logged_in(request: Request) -> bool:
    """Whether the page's login knows the sender, by gradio's own answer: its cookie's name differs by version."""
    ask = next((route.endpoint for route in request.app.routes if getattr(route, "path", "") == "/user"), None)
    return ask is not None and ask(request) is not None


def _from_no_other_site(request: Request) -> None:
    """Refuse what a page of another site has a browser send, which sends the person's login along. 403.

    Browsers say where a request comes from; scripts say nothing, and pass. So does a GET without an Origin, a link
    that was followed: the page that has it can't read the answer. With an Origin it could, since gradio 4 lets any
    site read from a WebUI that is not called localhost.
    """
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if site in ("same-origin", "none") or (origin is None and (site is None or request.method == "GET")):
        return
    if origin is not None and (server.allows_origin(origin) or (site is None and _is_own(origin, request))):
        return
    raise HTTPException(403, "Requests from other sites are refused; --cors-allow-origins of the WebUI lets one in.")


def _is_own(origin: str, request: Request) -> bool:
    """For browsers that tell no Sec-Fetch-Site: none does so to a plain http address in the local network."""
    return urlsplit(origin).netloc == request.headers.get("host", "")


class _Route(APIRoute):
    """A route whose faults are told without their texts: the hosts' own answer repeats those, paths and all."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await answer(request)
            except AnyHTTPException:
                raise
            except Exception as fault:
                options.report(f"{TITLE}: {request.method} {self.path}", exc_info=True)
                return Json({"detail": f"{TITLE} met a fault ({type(fault).__name__}); see the WebUI's console."}, 500)

        return guarded


class Json(Response):
    """JSON in ASCII: a prompt may hold half a surrogate pair, which no encoding takes."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False).encode()


async def json_of(request: Request) -> Any:
    """The JSON value that a request's body is. Raises ValueError where it is none, 413 where it is too large."""
    too_large = HTTPException(
        413,
        f"The body may have {MAX_BODY_BYTES:,} bytes and {MAX_BODY_VALUES:,} values; leave out alwayson_scripts and "
        "what else has no bearing on it.",
    )
    chunks, size = [], 0
    async for chunk in request.stream():
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise too_large
    try:
        return bounded_json.read(b"".join(chunks), MAX_BODY_VALUES)
    except bounded_json.TooMuchError:
        raise too_large from None


def unprocessable(field: tuple[str, ...], message: str) -> Response:
    """FastAPI's own form of a 422, the input left out: it may be NaN or a megabyte."""
    return Json({"detail": [{"loc": ["body", *field], "msg": message, "type": "value_error"}]}, 422)


def json_body(schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    """What a route tells in the host's API page of the JSON body that it reads itself."""
    content = {"application/json": {"schema": {"type": "object", **schema}, "example": example}}
    return {"requestBody": {"required": True, "content": content}}
