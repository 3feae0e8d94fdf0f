"""Pictures, infotexts and answers of this checkout beside another one's: the same requests to a miniwebui of each.

60 generations on each profile, and the plan endpoint's answer to each that has no panel values; status, catalog and the
host's lists. Pixels are compared bit for bit, infotexts and JSON as text, without the extension's version. Both have
this checkout's models.
"""

from __future__ import annotations

import base64
import difflib
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from .against_requests import DEFAULTS, REQUESTS, SD15, STYLES, Request
from .arms import write_json
from .server import PROJECT

sys.path.insert(0, str(PROJECT / "tests"))

from live.client import Picture, Reply
from live.scenario import SkippedError
from live.scenarios.host_scripts import axis
from live.server import miniwebui
from live.target import TITLE, Target

OWN_ENDPOINTS = ("/hypersd/v1/status", "/hypersd/v1/catalog", "/hypersd/v1/no-such-thing")
LISTS = ("/sdapi/v1/samplers", "/sdapi/v1/schedulers", "/sdapi/v1/scripts", "/sdapi/v1/script-info")
MODELS = PROJECT / "outputs" / "models"
"""What miniwebui makes, a folder for each profile."""
VARYING = ("job_timestamp",)
"""Of a generation's info, what differs from run to run."""


@dataclass
class Comparison:
    """What one profile's two WebUIs answered: so many equal ones, and each difference in full."""

    requests: int = 0
    pictures: int = 0
    infotexts: int = 0
    answers: int = 0
    equal_answers: int = 0
    differences: list[str] = field(default_factory=list)

    def line(self) -> str:
        text = f"{self.requests} requests, {self.pictures} equal pictures, {self.infotexts} equal infotexts"
        return f"{text}; {self.equal_answers} of {self.answers} answers of endpoints equal"

    def figures(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class Generated:
    """A generation's answer: its pictures, and all the rest of it as text."""

    pictures: tuple[Picture, ...]
    text: str

    @staticmethod
    def of(reply: Reply) -> Generated:
        if reply.status != 200:
            return Generated((), f"{reply.status}\n{reply.text}")
        answer = reply.json()
        pictures = tuple(Picture.read(image) for image in answer["images"])
        info = {key: value for key, value in json.loads(answer["info"]).items() if key not in VARYING}
        in_files = [picture.parameters for picture in pictures]
        return Generated(pictures, _text({"info": info, "parameters": answer["parameters"], "in the files": in_files}))


def run(checkout: str, profiles: Sequence[str], json_file: str | None) -> None:
    """Compare on each profile. SystemExit with 1 where anything differs."""
    other = Path(checkout).resolve()
    if not (other / "run.py").is_file():
        raise SystemExit(f"error: {checkout} is no checkout of this project: it has no run.py")
    results = {}
    for profile in profiles:
        results[profile] = result = _compare(profile, other)
        for difference in result.differences:
            print(f"\n{profile}, {difference}")
        print(f"{profile}: {result.line()}", flush=True)
    write_json(json_file, {profile: result.figures() for profile, result in results.items()})
    if any(result.differences for result in results.values()):
        raise SystemExit(1)


def _compare(profile: str, other: Path) -> Comparison:
    with tempfile.TemporaryDirectory(prefix="against-") as folder, ExitStack() as stack:
        this = ["--data-dir", _data_folder(Path(folder) / "this")]
        after = Target(stack.enter_context(miniwebui(profile, *this)))
        # The models that this start made if need be; the other checkout's own may be the same with other hashes.
        others = ["--data-dir", _data_folder(Path(folder) / "other"), "--models-dir", str(MODELS / profile)]
        environment = _environment_of(other)
        before = Target(stack.enter_context(miniwebui(profile, *others, checkout=other, environment=environment)))
        result = Comparison()
        for target in (before, after):
            target.client.post("/sdapi/v1/options", {"sd_model_checkpoint": target.checkpoints[SD15]})
        for request in REQUESTS:
            _generate(request, before, after, result)
        for request in REQUESTS:
            _plan(request, before, after, result)
        for path in (*OWN_ENDPOINTS, *LISTS):
            _answers(path, result, *(target.client.send("GET", path) for target in (before, after)))
        return result


def _data_folder(folder: Path) -> str:
    folder.mkdir()
    (folder / "styles.csv").write_text(STYLES, encoding="utf-8")
    return str(folder)


def _environment_of(checkout: Path) -> dict[str, str]:
    """This Python environment, where the checkout needs the same packages; else its own, which its run.py makes."""
    command = [sys.executable, "-c", "import run; print(run.wanted_stamp())"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True)
    same = done.stdout.strip() == (Path(sys.prefix) / "stamp").read_text(encoding="utf-8").strip()
    if not same:
        print(f"{checkout} needs other packages: it runs with its own .venv")
    return {"HYPERSD_VENV": sys.prefix if same else ".venv"}


def _generate(request: Request, before: Target, after: Target, result: Comparison) -> None:
    path = f"/sdapi/v1/{'img2img' if request.over else 'txt2img'}"
    old, new = (Generated.of(target.client.send("POST", path, body(request, target))) for target in (before, after))
    pictures = list(_other_pictures(old.pictures, new.pictures))
    result.requests += 1
    result.pictures += not pictures
    result.infotexts += old.text == new.text
    if pictures or old.text != new.text:
        result.differences.append("\n".join([request.name, *pictures, *_other_lines(old.text, new.text)]))


def _plan(request: Request, before: Target, after: Target, result: Comparison) -> None:
    """The endpoint takes a txt2img request with the object beside its fields."""
    if request.over or request.axis or (request.args and not isinstance(request.args[0], dict)):
        return
    replies = []
    for target in (before, after):
        asked = body(request, target)
        asked.pop("alwayson_scripts", None)
        asked |= {"hypersd": request.args[0]} if request.args else {}
        replies.append(target.client.send("POST", "/hypersd/v1/plan", asked))
    _answers(f"plan of {request.name}", result, *replies)


def _answers(name: str, result: Comparison, old: Reply, new: Reply) -> None:
    texts = [f"{reply.status}\n{_without_version(reply)}" for reply in (old, new)]
    result.answers += 1
    result.equal_answers += texts[0] == texts[1]
    if texts[0] != texts[1]:
        result.differences.append("\n".join([name, *_other_lines(*texts)]))


def _without_version(reply: Reply) -> str:
    try:
        answer = json.loads(reply.text)
    except ValueError:
        return reply.text
    if isinstance(answer, dict):
        answer.pop("version", None)
    return _text(answer)


def body(request: Request, target: Target) -> dict[str, Any]:
    """The request as this host takes it."""
    fields: dict[str, Any] = {**DEFAULTS, **request.fields}
    if "infotext" in request.fields:  # fields that are there count more than those of the infotext
        fields = {key: value for key, value in fields.items() if key in {*request.fields, "subseed"} or "save" in key}
    if not target.has_schedule_types:
        fields.pop("scheduler", None)
    if fields.get("enable_hr") and target.has_field("hr_additional_modules"):
        fields["hr_additional_modules"] = ["Use same choices"]  # without it Forge's API answers 500
    if request.args is not None:
        fields["alwayson_scripts"] = {TITLE: {"args": list(request.args)}}
    if request.checkpoint != SD15 and request.checkpoint in target.checkpoints:
        override = {"sd_model_checkpoint": target.checkpoints[request.checkpoint]}
        fields["override_settings"] = {**fields.get("override_settings", {}), **override}
    if request.over:
        fields |= {"init_images": [_encoded(_gradient())], "denoising_strength": 0.55}
    if request.over == "mask":
        fields |= {"mask": _encoded(_left_half()), "mask_blur": 0, "inpainting_fill": 1}
    if request.axis:
        try:
            fields |= axis(target, *request.axis)
        except SkippedError:  # a host whose API does not tell its axes: the request without a plot
            pass
    return fields


def _other_pictures(old: Sequence[Picture], new: Sequence[Picture]) -> Iterator[str]:
    if len(old) != len(new):
        yield f"  {len(old)} pictures, now {len(new)}"
    for number, (one, two) in enumerate(zip(old, new, strict=False)):
        if one.size != two.size:
            yield f"  picture {number}: {one.size}, now {two.size}"
        elif one.pixels != two.pixels:
            count = sum(a != b for a, b in zip(one.pixels, two.pixels, strict=True))
            yield f"  picture {number}: {count} of {len(one.pixels)} values differ, by up to {one.distance(two)} of 255"


def _other_lines(old: str, new: str) -> list[str]:
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), "other", "this", lineterm="", n=1)
    return [f"  {line}" for line in lines]


def _text(answer: Any) -> str:
    return json.dumps(answer, indent=1, sort_keys=True, ensure_ascii=False)


def _gradient() -> Image.Image:
    size = DEFAULTS["width"]
    image = Image.new("RGB", (size, size))
    image.putdata([(255 * x // size, 255 * y // size, 128) for y in range(size) for x in range(size)])
    return image


def _left_half() -> Image.Image:
    size = DEFAULTS["width"]
    image = Image.new("L", (size, size), 0)
    ImageDraw.Draw(image).rectangle((0, 0, size // 2 - 1, size - 1), fill=255)
    return image


def _encoded(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode()
