"""docs/api.md holds: its script by webuiapi, its commands and its answers."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from live.client import Infotext
from live.server import PROJECT
from live.target import Target

pytest.importorskip("webuiapi")

PAGE = (PROJECT / "docs" / "api.md").read_text(encoding="utf-8")
ADDRESS = "127.0.0.1:7860"
LORA = "Hyper-SD15-4steps-lora"
# What the examples leave out or what changes with the machine: the host's own.
HOSTS_OWN = ("Model hash", "Model", "Lora hashes", "Version", "RNG", "Clip skip")

on_both = pytest.mark.parametrize("host_profile", ["forge", "a1111"], indirect=True)
on_forge = pytest.mark.parametrize("host_profile", ["forge"], indirect=True)


def code(language: str, after: str = "") -> list[str]:
    """The page's code blocks of a language, below a heading."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE[PAGE.index(after) :], re.MULTILINE | re.DOTALL)


def holds(answer: Any, example: Any) -> bool:
    """Whether the example is part of the answer: its keys, and its items in their order."""
    if isinstance(example, dict):
        return isinstance(answer, dict) and all(k in answer and holds(answer[k], v) for k, v in example.items())
    if isinstance(example, list):
        rest = iter(answer)
        return all(any(holds(item, wanted) for item in rest) for wanted in example)
    return bool(answer == example)


def run_sh(command: str, target: Target, folder: Path) -> str:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    there = command.replace(ADDRESS, urlsplit(target.client.url).netloc)
    done = subprocess.run(["bash", "-c", there], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@on_both
def test_the_script_draws_with_txt2img_img2img_and_hires(
    target: Target, host_profile: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [script] = code("python")
    host, port = urlsplit(target.client.url).netloc.split(":")
    script = script.replace('host="127.0.0.1", port=7860', f'host="{host}", port={port}')
    monkeypatch.chdir(tmp_path)
    drawn: dict[str, Any] = {}
    exec(compile(script, "docs/api.md", "exec"), drawn)

    sizes = {"star": (128, 128), "circle": (128, 128), "large": (192, 192), "by_fields": (192, 192)}
    assert {name: drawn[name].image.size for name in sizes} == sizes
    for name in sizes:
        assert (tmp_path / f"{name.replace('_', '-')}.png").is_file()
        infotext = Infotext.read(drawn[name].info["infotexts"][0])
        assert infotext.prompt.endswith(f" <lora:{LORA}:1>")
        settings = [infotext.fields[key] for key in ("Steps", "Sampler", "Schedule type", "CFG scale", "Hyper-SD")]
        assert settings == ["4", "Euler", "SGM Uniform", "1.0", LORA]
        assert "Hyper-SD error" not in infotext.fields
    assert drawn["circle"].image.tobytes() != drawn["star"].image.tobytes()
    # Turned on by the object or by the request: the same second pass.
    assert drawn["large"].image.tobytes() == drawn["by_fields"].image.tobytes()
    assert "Hires upscale: 1.5" in drawn["large"].info["infotexts"][0]


@on_forge
def test_the_curl_example_prints_the_infotext_shown(target: Target, host_profile: str, tmp_path: Path) -> None:
    told = Infotext.read(run_sh(code("sh")[0], target, tmp_path))
    [shown] = map(Infotext.read, code("text"))
    assert (tmp_path / "star.png").is_file()
    assert told.prompt == shown.prompt
    assert {key: value for key, value in told.fields.items() if key not in HOSTS_OWN} == shown.fields


@on_forge
@pytest.mark.parametrize("name", ["status", "catalog"])
def test_an_endpoint_answers_as_shown(target: Target, host_profile: str, name: str) -> None:
    target.draw()  # so that the checkpoint is loaded
    answer = target.client.get(f"/hypersd/v1/{name}")
    example = json.loads(code("json", after=f"### GET /hypersd/v1/{name}")[0])
    assert set(example) == set(answer)
    for key, shown in example.items():
        assert holds(answer[key], shown), f"{key} is not {shown}"


@on_forge
def test_the_plan_is_as_shown(target: Target, host_profile: str, tmp_path: Path) -> None:
    heading = "### POST /hypersd/v1/plan"
    answer = json.loads(run_sh(code("sh", after=heading)[0], target, tmp_path))
    shown, refused = map(json.loads, code("json", after=heading))
    assert holds(answer, shown)
    assert set(answer) == set(shown)
    assert answer["changes"] == shown["changes"]

    reply = target.client.send("POST", "/hypersd/v1/plan", {"hypersd": {"steps": 40}})
    assert (reply.status, reply.json()) == (422, refused)


@on_forge
@pytest.mark.parametrize(
    ("settings", "field"),
    [({"steps": 40}, "Hyper-SD error"), ({"lora": "Hyper-SDXL-8steps-lora"}, "Hyper-SD notice")],
)
def test_a_fault_is_told_as_shown(target: Target, host_profile: str, settings: dict[str, Any], field: str) -> None:
    [shown] = re.findall(rf"^\| `{field}` .*`(.*)` \|$", PAGE, re.MULTILINE)
    assert target.draw(hypersd=settings).infotext.fields[field] == shown


def test_the_keys_are_those_of_the_object() -> None:
    from lib_hypersd.request.settings import KEYS

    table = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (?:`\"?\w+\"?`|\"|\d)", PAGE, re.MULTILINE)
    assert [key for cell in table for key in re.findall(r"\w+", cell)] == list(KEYS)
