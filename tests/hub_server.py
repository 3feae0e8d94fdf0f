"""A Hugging Face hub on this machine: small files, its protocol, and the faults that a person may meet.

As the real one, it answers a file of large-file storage with X-Linked-Etag (the SHA-256), X-Linked-Size and a redirect
to another address, the "CDN", which knows ranges; any other file it sends itself, with a plain ETag.

    with HubServer() as hub:
        hub.publish("Hyper-SD15-8steps-lora", whole_lora(300_000))
        ...  # HF_ENDPOINT=hub.url
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from lib_hypersd.models.catalog import BY_NAME

COMMIT = "c0ffee" + "0" * 34
PIECE_BYTES = 16 * 1024
HELD_S = 60
KOHYA_TENSOR = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.lora_down.weight"


def whole_lora(size: int, filling: int = 7) -> bytes:
    """A safetensors file of about `size` bytes that any reader takes for a whole SD 1.5 LoRA."""
    rank = max(1, size // (2 * 768))
    entry = {"dtype": "F16", "shape": [rank, 768], "data_offsets": [0, rank * 768 * 2]}
    header = json.dumps({KOHYA_TENSOR: entry}).encode()
    return struct.pack("<Q", len(header)) + header + bytes([filling]) * (rank * 768 * 2)


@dataclass
class PublishedFile:
    """A file and how the hub behaves over it.

    `cuts`: after so many bytes of its body the next download breaks, one entry each. `hold_at`: a download stops there
    until `release`. `etag`: what the hub says instead of the SHA-256, `told_size` instead of
    the size. `status`, `cdn_status`: an error for every request to that server. `ranges`: whether the CDN knows them.
    `location`: where the hub leads to instead of the CDN.
    """

    content: bytes
    etag: str = ""
    large: bool = True
    ranges: bool = True
    told_size: int = 0
    status: int = 200
    cdn_status: int = 200
    location: str = ""
    cuts: list[int] = field(default_factory=list)
    hold_at: int | None = None
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.etag = self.etag or hashlib.sha256(self.content).hexdigest()
        self.told_size = self.told_size or len(self.content)

    def release(self) -> None:
        """Let held downloads go on."""
        self.released.set()


@dataclass(frozen=True)
class Asked:
    """One request that came in. `server` is "hub" or "cdn"; the last two are headers, "" where there was none."""

    server: str
    method: str
    path: str
    range: str
    authorization: str


class HubServer:
    """Both servers, on free ports. `asked` is what was requested, in that order."""

    def __init__(self) -> None:
        self.files: dict[str, PublishedFile] = {}
        self.asked: list[Asked] = []
        self._servers = [_server(self, name) for name in ("hub", "cdn")]
        self.url, self.cdn_url = (f"http://127.0.0.1:{s.server_port}" for s in self._servers)

    def publish(self, name: str, content: bytes, **behaviour: object) -> PublishedFile:
        """Offer a catalog file by its variant's name."""
        file = self.files[name] = PublishedFile(content, **behaviour)  # type: ignore[arg-type]
        return file

    def of(self, server: str, method: str = "GET") -> list[Asked]:
        return [a for a in self.asked if (a.server, a.method) == (server, method)]

    def ranges(self) -> list[str]:
        """The Range headers of the downloads, in order."""
        return [a.range for a in self.of("cdn")]

    def __enter__(self) -> HubServer:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for file in self.files.values():
            file.release()
        for server in self._servers:
            server.shutdown()
            server.server_close()


def _server(hub: HubServer, name: str) -> ThreadingHTTPServer:
    class Handler(_Handler):
        hub_server, server_name = hub, name

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    return server


class _Handler(BaseHTTPRequestHandler):
    hub_server: HubServer
    server_name: str

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:  # noqa: N802 - the library's name
        self._answer()

    def do_GET(self) -> None:  # noqa: N802 - the library's name
        self._answer()

    def _answer(self) -> None:
        hub = self.hub_server
        headers = {k: self.headers.get(k, "") for k in ("Range", "Authorization")}
        path = urlsplit(self.path).path
        hub.asked.append(Asked(self.server_name, self.command, path, headers["Range"], headers["Authorization"]))
        name = _variant_name(path, self.server_name)
        file = hub.files.get(name) if name else None
        if file is None:
            self._head(404, {"X-Error-Code": "EntryNotFound"})
        elif (status := file.cdn_status if self.server_name == "cdn" else file.status) != 200:
            self._head(status, {})
        elif self.server_name == "cdn":
            self._send(file)
        elif file.large:
            linked = {"X-Linked-Etag": f'"{file.etag}"', "X-Linked-Size": str(file.told_size)}
            location = file.location or f"{hub.cdn_url}/blob/{name}?signature=secret-{file.etag[:6]}"
            self._head(302, {"X-Repo-Commit": COMMIT, "Location": location, **linked})
        else:
            self._send(file)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": "0", **headers}.items():
            self.send_header(key, value)
        self.end_headers()

    def _send(self, file: PublishedFile) -> None:
        first = 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and file.ranges:
            first = int(asked[1])
        total = len(file.content)
        headers = {"X-Repo-Commit": COMMIT, "Content-Length": str(total - first)}
        if file.etag:
            headers["ETag"] = f'"{file.etag}"'
        if asked and file.ranges:
            headers["Content-Range"] = f"bytes {first}-{total - 1}/{total}"
        self._head(206 if asked and file.ranges else 200, headers)
        if self.command == "GET":
            try:
                self._body(file, first)
            except OSError:  # who asked went away
                pass

    def _body(self, file: PublishedFile, first: int) -> None:
        end = first + file.cuts.pop(0) if file.cuts else len(file.content)
        for at in range(first, end, PIECE_BYTES):
            if file.hold_at is not None and at >= file.hold_at:
                self.wfile.flush()
                file.reached.set()
                file.released.wait(HELD_S)
            self.wfile.write(file.content[at : min(at + PIECE_BYTES, end)])
        if end < len(file.content):
            self.close_connection = True


def _variant_name(path: str, server: str) -> str | None:
    if server == "cdn":
        found = re.fullmatch(r"/blob/(.+)", path)
        return found[1] if found else None
    found = re.fullmatch(rf"/(.+)/resolve/(?:main|{COMMIT})/(.+)\.safetensors", path)
    variant = BY_NAME.get(found[2]) if found else None
    return found[2] if found and variant and variant.repo == found[1] else None


@contextmanager
def closed_port() -> Iterator[str]:
    """An address at which nobody listens."""
    with HubServer() as server:
        url = server.url
    yield url
