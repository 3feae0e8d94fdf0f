"""What every endpoint shares: whom it lets in, how it reads bodies and answers (docs/security.md says why)."""

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
from starlette.requests import ClientDisconnect

from .. import TITLE
from ..host import options, server
from ..host.threads import MOST_INPUT
from ..models import bounded_json

PREFIX = "/hypersd/v1"
MAX_BODY_VALUES = 65_536
_LONGEST_LENGTH = 18
"""Digits of a Content-Length that are read as a number."""

_basic = HTTPBasic(auto_error=False)


def guarded_router() -> APIRouter:
    """A router under PREFIX for authenticated clients and the WebUI's own pages alone."""
    guards = [Depends(_refuse_other_sites), Depends(_authenticate)]
    return APIRouter(prefix=PREFIX, route_class=_Route, dependencies=guards)


def _authenticate(request: Request, given: HTTPBasicCredentials | None = Depends(_basic)) -> None:  # noqa: B008 - FastAPI's way
    """Require the API's credentials wherever the host's own API does. 401.

    Where it requires none but the page has a login, the page's: by its cookie, or by name and password.
    """
    expected = server.credentials()
    if expected is None:
        page = getattr(request.app, "auth", None)  # gradio's; an API without a page has none
        if page is None or _logged_in(request):
            return
        expected = page if isinstance(page, Mapping) else {}
    if given is None or not _matches(given, expected):
        raise HTTPException(401, "Incorrect username or password", {"WWW-Authenticate": "Basic"})


def _matches(given: HTTPBasicCredentials, passwords: Mapping[str, str]) -> bool:
    password = passwords.get(given.username)
    return password is not None and compare_digest(given.password.encode(), password.encode())


def _logged_in(request: Request) -> bool:
    """Whether the page's login knows the sender, by gradio's own answer: its cookie's name differs by version."""
    user_of = next((route.endpoint for route in request.app.routes if getattr(route, "path", "") == "/user"), None)
    return user_of is not None and user_of(request) is not None


def _refuse_other_sites(request: Request) -> None:
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
    """For browsers that send no Sec-Fetch-Site: none does so to a plain http address in the local network."""
    return urlsplit(origin).netloc == request.headers.get("host", "")


class _Route(APIRoute):
    """A route that answers a fault without its text: the hosts' own answer repeats that, paths and all."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await answer(request)
            except InvalidBodyError as error:
                return error.answer()
            except AnyHTTPException:
                raise
            except ClientDisconnect:  # in the middle of its body; nobody reads the answer
                return Response(status_code=400)
            except Exception as fault:
                options.report(f"{TITLE}: {request.method} {self.path}", exc_info=True)
                return Json({"detail": f"{TITLE} met a fault ({type(fault).__name__}); see the WebUI's console."}, 500)

        return guarded


class Json(Response):
    """JSON in ASCII: a prompt may hold half a surrogate pair, which no encoding takes."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False).encode()


def fields_of(value: object, *names: str) -> dict[str, Any]:
    """Some attributes of an object, by name, for an answer."""
    return {name: getattr(value, name) for name in names}


class InvalidBodyError(Exception):
    """A body that an endpoint can't use: 422, with the path of its field, which is empty for the body itself."""

    def __init__(self, message: str, *field: str) -> None:
        super().__init__(message)
        self.field = field

    def answer(self) -> Response:
        """FastAPI's own form of a 422, the input left out: it may be NaN or a megabyte."""
        return Json({"detail": [{"loc": ["body", *self.field], "msg": str(self), "type": "value_error"}]}, 422)


async def body_of(request: Request) -> bytes:
    """A request's body. Raises HTTPException 413 before more than MOST_INPUT bytes of it are read."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > _LONGEST_LENGTH or int(declared) > MOST_INPUT):
        raise _too_large()
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_INPUT:
                raise _too_large()
    except ClientDisconnect:
        raise InvalidBodyError("The body is not complete.") from None
    return bytes(body)


def json_of(body: bytes) -> Any:
    """The JSON value that a body is. Raises InvalidBodyError where it is none, 413 where it has too many values."""
    try:
        return bounded_json.read(body, MAX_BODY_VALUES)
    except bounded_json.TooMuchError:
        raise _too_large() from None
    except bounded_json.LongNumberError as error:
        raise InvalidBodyError(f"The body has {error}; it takes at most {bounded_json.MOST_DIGITS}.") from None
    except ValueError:
        raise InvalidBodyError("The body is not JSON.") from None


def _too_large() -> HTTPException:
    return HTTPException(
        413,
        f"The body may have {MOST_INPUT:,} bytes and {MAX_BODY_VALUES:,} values; leave out pictures, alwayson_scripts "
        "and what else has no bearing on it.",
    )


def json_body(schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    """A JSON body that a route reads itself, for the host's API page."""
    content = {"application/json": {"schema": {"type": "object", **schema}, "example": example}}
    return {"requestBody": {"required": True, "content": content}}
