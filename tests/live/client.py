"""HTTP to a WebUI and what comes back: replies, pictures, infotexts. Standard library and Pillow only."""

from __future__ import annotations

import base64
import io
import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from PIL import Image

REQUEST_TIMEOUT_S = 600
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
# The hosts' own pattern for one "Key: value" of an infotext's last line.
INFOTEXT_FIELD = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
INFOTEXT_FIELDS_AT_LEAST = 3


@dataclass(frozen=True)
class Reply:
    """Status and text of one HTTP answer."""

    status: int
    text: str

    def json(self) -> Any:
        """The body, read strictly: NaN and Infinity are no JSON."""

        def refuse(constant: str) -> None:
            raise ValueError(f"the answer holds {constant}, which is no JSON")

        return json.loads(self.text, parse_constant=refuse)


@dataclass(frozen=True)
class Client:
    """One WebUI's address, with its API credentials ("user:password") where it asks for any."""

    url: str
    auth: str | None = None

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        raw: bytes | None = None,
        with_auth: bool = True,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Reply:
        """One request; an HTTP error is a reply too. `raw` is sent as it is, `body` as JSON (NaN allowed).

        `headers` come on top, or in place of the usual ones.
        """
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url.rstrip("/") + path, data=data, method=method)
        request.add_header("Content-Type", "application/json")
        if self.auth and with_auth:
            request.add_header("Authorization", "Basic " + base64.b64encode(self.auth.encode()).decode())
        for name, value in headers.items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT_S) as answer:
                return Reply(answer.status, answer.read().decode("utf-8"))
        except urllib.error.HTTPError as error:
            return Reply(error.code, error.read().decode("utf-8", "replace"))

    def get(self, path: str) -> Any:
        """The JSON of a GET that must succeed."""
        return self._successful("GET", path, None)

    def post(self, path: str, body: object) -> Any:
        """The JSON of a POST that must succeed."""
        return self._successful("POST", path, body)

    def _successful(self, method: str, path: str, body: object) -> Any:
        reply = self.send(method, path, body)
        if reply.status != 200:
            raise AssertionError(f"{method} {path} answered {reply.status}: {reply.text[:300]}")
        return reply.json()


@dataclass(frozen=True)
class Infotext:
    """What the hosts write beside a picture, taken apart as they do it themselves."""

    text: str
    prompt: str
    negative_prompt: str
    fields: Mapping[str, str]

    @staticmethod
    def read(text: str) -> Infotext:
        *lines, last = text.strip().split("\n")
        if len(INFOTEXT_FIELD.findall(last)) < INFOTEXT_FIELDS_AT_LEAST:
            lines, last = [*lines, last], ""
        prompt: list[str] = []
        negative: list[str] = []
        current = prompt
        for line in lines:
            if line.startswith("Negative prompt:"):
                current, line = negative, line.removeprefix("Negative prompt:").strip()
            current.append(line)
        fields = {key: _unquoted(value) for key, value in INFOTEXT_FIELD.findall(last)}
        return Infotext(text, "\n".join(prompt), "\n".join(negative), fields)

    def own(self) -> dict[str, str]:
        """The extension's fields."""
        return {key: value for key, value in self.fields.items() if key.startswith("Hyper-SD")}

    def foreign(self) -> dict[str, str]:
        """All the other fields."""
        return {key: value for key, value in self.fields.items() if not key.startswith("Hyper-SD")}


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        try:
            return str(json.loads(value))
        except ValueError:
            return value
    return value


@dataclass(frozen=True)
class Picture:
    """Decoded pixels, and the infotext inside the file."""

    size: tuple[int, int]
    pixels: bytes
    file: str
    parameters: str

    @staticmethod
    def read(encoded: str) -> Picture:
        encoded = encoded.split(",", 1)[-1]
        image = Image.open(io.BytesIO(base64.b64decode(encoded)))
        parameters = str(image.info.get("parameters", ""))
        rgb = image.convert("RGB")
        return Picture(rgb.size, rgb.tobytes(), encoded, parameters)

    def distance(self, other: Picture) -> int:
        """The largest difference of one colour value, 0 to 255; 256 where the sizes differ."""
        if self.size != other.size:
            return 256
        if self.pixels == other.pixels:
            return 0
        return max(abs(a - b) for a, b in zip(self.pixels, other.pixels, strict=True))


@dataclass(frozen=True)
class Drawn:
    """One generation's answer. A grid, where the host adds one, is kept apart from the pictures."""

    pictures: tuple[Picture, ...]
    infotexts: tuple[Infotext, ...]
    grid: Picture | None
    info: Mapping[str, Any]

    @staticmethod
    def read(answer: Mapping[str, Any]) -> Drawn:
        info = json.loads(answer["info"])
        first = int(info.get("index_of_first_image", 0))
        count = len(info["infotexts"]) - first
        images = [Picture.read(image) for image in answer["images"]]
        return Drawn(
            pictures=tuple(images[first:]),  # Forge Classic tells of one of Loopback's pictures only
            infotexts=tuple(Infotext.read(text) for text in info["infotexts"][first : first + count]),
            grid=images[0] if first == 1 else None,
            info=info,
        )

    @property
    def picture(self) -> Picture:
        return self.pictures[0]

    @property
    def infotext(self) -> Infotext:
        return self.infotexts[0]


@dataclass(frozen=True)
class Change:
    """One entry of a plan's account."""

    field: str
    old: object
    new: object
    reason: str


@dataclass(frozen=True)
class Plan:
    """What the plan endpoint answers. `values` are named as in a txt2img request."""

    active: bool
    family: str | None
    lora: str | None
    weight: float | None
    values: Mapping[str, Any]
    changes: tuple[Change, ...]
    notices: tuple[str, ...]

    @staticmethod
    def read(answer: Mapping[str, Any]) -> Plan:
        changes = (Change(c["field"], c["from"], c["to"], c["reason"]) for c in answer["changes"])
        return Plan(
            active=answer["active"],
            family=answer["family"],
            lora=answer["lora"],
            weight=answer["weight"],
            values=answer["values"],
            changes=tuple(changes),
            notices=tuple(answer["notices"]),
        )

    @property
    def prompt(self) -> str:
        return str(self.values["prompt"])

    @property
    def notice(self) -> str:
        """All notices, to search in."""
        return " ".join(self.notices)
