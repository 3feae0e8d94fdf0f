"""/hypersd/v1/download: begin a download, look at its state, cancel it. Off unless the person's option allows it."""

from typing import Any

from fastapi import Depends, HTTPException, Request
from fastapi.responses import Response

from .. import TITLE
from ..downloads.registry import registry
from ..downloads.state import Download
from ..host import loras, options
from ..host.threads import off_the_loop
from ..models.catalog import BY_NAME, Variant
from ..text import echo
from .access import InvalidBodyError, Json, body_of, fields_of, guarded_router, json_body, json_of

_KEYS = ("name", "accept_licence")


def _allowed() -> None:
    if options.option(options.OPTION_DOWNLOAD_API, False) is not True:
        raise HTTPException(
            403,
            f"Downloads by the API are off: turn on {options.OPTION_DOWNLOAD_API} (Settings → {TITLE} → API "
            "clients may download Hyper-SD LoRA files).",
        )


router, _guard = guarded_router(), [Depends(_allowed)]
_BODY = json_body(
    {
        "required": list(_KEYS),
        "properties": {
            "name": {"type": "string", "enum": list(BY_NAME)},
            "accept_licence": {"type": "boolean", "description": "true: you accept the file's licence"},
        },
    },
    {"name": "Hyper-SD15-8steps-lora", "accept_licence": True},
)


@router.post("/download", dependencies=_guard, openapi_extra=_BODY)
async def begin(request: Request) -> Response:
    """Begin to download a catalog file into the LoRA folder, or join the download of it that is under way.

    202 with its state; 415 for a body that is not declared as JSON, which is all that a form on a strange page can
    send; 422 with the field's name on bad input, where the licence is not accepted too.
    """
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "The body must be JSON, with Content-Type: application/json.")
    return await _begun(await body_of(request))


@off_the_loop
def _begun(raw: bytes) -> Response:
    variant = _accepted(json_of(raw))
    return Json(_answer(loras.start_download(variant)), 202)


def _accepted(body: object) -> Variant:
    """The file whose licence a body accepts. Raises InvalidBodyError."""
    if not isinstance(body, dict):
        raise InvalidBodyError(f"The body is {echo(body)}; it takes an object with {' and '.join(_KEYS)}.")
    for key in body:
        if key not in _KEYS:
            raise InvalidBodyError(f"{echo(key)} is unknown; the body takes {' and '.join(_KEYS)}.", echo(key))
    name = body.get("name")
    variant = BY_NAME.get(name) if isinstance(name, str) else None
    if variant is None:
        given = f"name is {echo(name)}" if "name" in body else "name is missing"
        raise InvalidBodyError(f"{given}; it takes one of {', '.join(BY_NAME)}.", "name")
    if body.get("accept_licence") is not True:
        raise InvalidBodyError(
            f"{variant.file} stands under: {variant.licence}. Read it at https://huggingface.co/{variant.repo} and "
            "send accept_licence: true.",
            "accept_licence",
        )
    return variant


@router.get("/download/{id}", dependencies=_guard)
@off_the_loop
def state(id: str) -> Response:
    """How a download stands."""
    return _found(registry.get(id))


@router.delete("/download/{id}", dependencies=_guard)
@off_the_loop
def cancel(id: str) -> Response:
    """Cancel a download; one that has ended stays as it is."""
    return _found(registry.cancel(id))


def _found(download: Download | None) -> Response:
    if download is None:
        raise HTTPException(404, "No download has this id; those of before the WebUI's last start are forgotten.")
    return Json(_answer(download))


def _answer(download: Download) -> dict[str, Any]:
    variant = BY_NAME[download.name]
    return {
        **fields_of(download, "id", "name"),
        "file": variant.file,
        **fields_of(download, "state", "done_bytes"),
        "size": download.total_bytes,
        "bytes_per_second": round(download.bytes_per_second),
        "seconds_left": None if download.seconds_left is None else round(download.seconds_left, 1),
        "message": download.message,
        "licence": variant.licence,
        "source": f"https://huggingface.co/{variant.repo}",
    }
