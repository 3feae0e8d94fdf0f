"""The Hugging Face hub: what it says of a published file, and that file's bytes from a position on.

`huggingface_hub` brings addresses, token, proxies and mirrors (`HF_ENDPOINT`); it is imported only where it is needed,
since the hooks must not pay for it. Hosts pin 0.25 to 0.36, which speak through requests; 1.x speaks through httpx.
Its own `http_get` is not used: it yields 10 MiB at a time, so that a connection which breaks more often never gets
anywhere, and before 0.36 it appends a whole file to a part where a server ignores the range.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .. import VERSION
from ..models.catalog import Variant

CHUNK_BYTES = 64 * 1024
"""A chunk; a broken connection loses at most as much."""

_AGAIN_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})


class HubError(Exception):
    """Why the hub did not give the file: what happened and what to do, to follow "FILE was not downloaded:".

    `passing`: the same request may succeed in a moment.
    """

    def __init__(self, why: str, *, passing: bool = False) -> None:
        super().__init__(why)
        self.passing = passing


@dataclass(frozen=True)
class RemoteFile:
    """A file as the hub has it now. `url` names the commit, so that a later request gets the same bytes."""

    url: str
    size: int
    etag: str

    @property
    def sha256(self) -> str | None:
        """The hash of the content, which is the etag of a file in large-file storage; None for any other etag."""
        return self.etag.lower() if re.fullmatch(r"[0-9a-fA-F]{64}", self.etag) else None


def look_up(variant: Variant) -> RemoteFile:
    """What the hub says of a published file. Raises HubError."""
    try:
        import huggingface_hub
        from huggingface_hub import constants
    except ImportError as error:
        raise HubError("the Python package huggingface_hub is missing here; install it") from error
    if constants.HF_HUB_OFFLINE:
        raise HubError("HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE forbids it; start the WebUI without them")
    try:
        url = huggingface_hub.hf_hub_url(variant.repo, variant.file)
        _require_answer(url)
        found = huggingface_hub.get_hf_file_metadata(url, library_name=_LIBRARY, library_version=VERSION)
    except HubError:
        raise
    except Exception as error:
        raise _as_hub_error(error) from error
    if not found.etag or not found.size:
        raise HubError(f"{_hub_name()} did not tell its size and hash; a proxy or a login page may stand between")
    pinned = huggingface_hub.hf_hub_url(variant.repo, variant.file, revision=found.commit_hash)
    return RemoteFile(pinned, int(found.size), str(found.etag))


_LIBRARY = "hyper-sd-webui"


def _require_answer(url: str) -> None:
    """Try once: huggingface_hub 0.36 tries a silent hub six times over, 23 to 83 s without a message."""
    response = _request("HEAD", url, _headers(), follow=False)
    response.close()
    if response.status_code >= 400:
        raise _refused(response.status_code)


@contextmanager
def opened(remote: RemoteFile, start: int) -> Iterator[tuple[int, Iterator[bytes]]]:
    """The file's bytes from `start` on, or all of them where the server knows no ranges: (first byte, chunks).

    Opening and reading raise HubError.
    """
    headers = _headers()
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        response = _request("GET", remote.url, headers, follow=True)
    except Exception as error:
        raise _as_hub_error(error) from error
    try:
        if response.status_code not in (200, 206):
            raise _refused(response.status_code)
        if _leaves_encryption(response):
            raise HubError(f"{_hub_name()} leads to an address without encryption; look at HF_ENDPOINT and the proxy")
        chunks = response.iter_bytes if hasattr(response, "iter_bytes") else response.iter_content
        yield start if response.status_code == 206 else 0, _guarded(chunks(CHUNK_BYTES))
    finally:
        response.close()


def _headers() -> dict[str, str]:
    """Token and names; no compression, or sizes and ranges would be others."""
    from huggingface_hub.utils import build_hf_headers

    headers: dict[str, str] = build_hf_headers(library_name=_LIBRARY, library_version=VERSION)
    return {**headers, "Accept-Encoding": "identity"}


def _request(method: str, url: str, headers: dict[str, str], *, follow: bool) -> Any:
    """The response, its body unread. Both libraries keep the token from other hosts that a redirect leads to."""
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session

    session: Any = get_session()
    timeout_s = constants.HF_HUB_DOWNLOAD_TIMEOUT
    if hasattr(session, "build_request"):
        request = session.build_request(method, url, headers=headers, timeout=timeout_s)
        return session.send(request, stream=True, follow_redirects=follow)
    return session.request(method, url, headers=headers, timeout=timeout_s, stream=True, allow_redirects=follow)


def _leaves_encryption(response: Any) -> bool:
    """Whether redirects led from https to anything else. To other hosts they may: the files are on the hub's CDN."""
    schemes = [urlsplit(str(each.url)).scheme for each in (*response.history, response)]
    return schemes[0] == "https" and set(schemes) != {"https"}


def _guarded(chunks: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from chunks
    except Exception as error:
        raise HubError(f"the connection to {_hub_name()} broke; try again", passing=True) from error


def _as_hub_error(error: Exception) -> HubError:
    """An exception of either HTTP library or of huggingface_hub, in words: their own texts may hold signed URLs."""
    response = getattr(error, "response", None)
    if response is not None:
        return _refused(int(response.status_code))
    if any("Timeout" in kind.__name__ for kind in type(error).__mro__):
        return HubError(f"{_hub_name()} did not answer in time; try again later", passing=True)
    if isinstance(error, OSError) or type(error).__module__.split(".")[0] in ("httpx", "httpcore"):
        return HubError(
            f"{_hub_name()} can't be reached from this machine; check its network, or HF_ENDPOINT if that is set",
            passing=True,
        )
    raise error


def _refused(status: int) -> HubError:
    if status in (401, 403):
        return HubError(
            f"{_hub_name()} refuses access ({status}); accept the terms on the file's page and start the WebUI with "
            "your HF_TOKEN, or renew that token if there is one already"
        )
    if status == 404:
        return HubError(f"{_hub_name()} has no such file (404); look whether its page names another place")
    return HubError(f"{_hub_name()} answers with error {status}; try again later", passing=status in _AGAIN_LATER)


def _hub_name() -> str:
    from huggingface_hub import constants

    return urlsplit(constants.ENDPOINT).hostname or "huggingface.co"
