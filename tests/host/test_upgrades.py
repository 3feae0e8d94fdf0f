"""What people have from older versions still works: infotexts, settings, and a WebUI that is not restarted."""

from __future__ import annotations

import json
import re
import shutil
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from live.client import Client, Infotext
from live.runner import Session
from live.server import PROJECT, miniwebui

OLDER = Path(__file__).parent / "older"
PASTED = json.loads((OLDER / "infotexts-0.1.0.json").read_text(encoding="utf-8"))
"""Drawn by version 0.1.0 in miniwebui: the profile, what was asked for, the infotext."""
SAME_IN_HIRES = {"hr_sampler_name": None, "hr_scheduler": None, "hr_checkpoint_name": None}
"""The hosts' API takes their parser's "Use same sampler" out of an infotext for a sampler's name."""
RESTART_S = 60


@pytest.mark.parametrize("profile", ["forge", "a1111"])
def test_infotexts_and_settings_of_0_1_0_are_read(profile: str, tmp_path: Path) -> None:
    shutil.copy(OLDER / "config-0.1.0.json", tmp_path / "config.json")
    with miniwebui(profile, "--data-dir", str(tmp_path)) as client, Session(client) as target:
        for pasted in (entry for entry in PASTED if entry["host"] == profile):
            before = Infotext.read(pasted["infotext"])
            again = draw(client, infotext=before.text, **SAME_IN_HIRES)
            assert (again.prompt, of_picture(again)) == (before.prompt, of_picture(before)), pasted["asked"]
            assert again.own().get("Hyper-SD") == before.own().get("Hyper-SD"), pasted["asked"]
            assert "Hyper-SD changes" not in again.fields, pasted["asked"]
            assert "Hyper-SD error" not in again.fields, pasted["asked"]
        full_name = draw(client, prompt="a red circle <lora:Hyper-SD15-4steps-lora>")
        assert full_name.own()["Hyper-SD"] == "Hyper-SD15-4steps-lora", "the option that 0.1.0 saved counts"
        assert target.option_value("hypersd_trained_steps") == "my-lora = 8"


def draw(client: Client, **fields: Any) -> Infotext:
    answer = client.post("/sdapi/v1/txt2img", {"width": 64, "height": 64, "seed": 5, **fields})
    return Infotext.read(json.loads(answer["info"])["infotexts"][0])


def of_picture(infotext: Infotext) -> dict[str, str]:
    """What decides on the picture; the host's version and its hashes of files may differ."""
    return {k: v for k, v in infotext.foreign().items() if k not in ("Version", "Lora hashes", "Model hash")}


def test_the_project_file_tells_the_version(tmp_path: Path) -> None:
    told = re.search(r'^version = "(.+)"$', (PROJECT / "pyproject.toml").read_text(encoding="utf-8"), re.M)[1]
    code = [p for p in (PROJECT / "lib_hypersd").rglob("*.py") if re.search(rf"\b{re.escape(told)}\b", p.read_text())]
    assert code == [], "the version stands in one place"
    assert f"\n## {told}\n" in (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f'"version": "{told}"' in (PROJECT / "docs" / "api.md").read_text(encoding="utf-8")
    with miniwebui("forge", "--nowebui") as client:
        assert client.get("/hypersd/v1/status")["version"] == told


@pytest.mark.parametrize("profile", ["forge", "a1111"])
def test_an_update_needs_no_more_than_reload_ui(profile: str, tmp_path: Path) -> None:
    extension = tmp_path / "hyper-sd-webui"
    for name in ("lib_hypersd", "scripts", "javascript", "metadata.ini", "pyproject.toml", "style.css"):
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy
        extension.mkdir(exist_ok=True)
        copy(PROJECT / name, extension / name)
    renew(extension / "pyproject.toml", r'version = ".+"', 'version = "0.0.9"')
    with miniwebui(profile, "--without-extension", "--extra-extension", str(extension), "--api-server-stop") as client:
        assert client.get("/hypersd/v1/status")["version"] == "0.0.9"
        # The new version's entry needs a name that the old one's module does not have.
        renew(extension / "pyproject.toml", r'version = ".+"', 'version = "0.0.10"')
        renew(extension / "lib_hypersd" / "generation.py", r"^def begin\(", "def begin_anew(")
        renew(extension / "lib_hypersd" / "generation.py", r"\bbegin\(p\)", "begin_anew(p)")
        renew(extension / "scripts" / "hypersd.py", r"generation\.begin\(", "generation.begin_anew(")
        request = urllib.request.Request(f"{client.url}/sdapi/v1/server-restart", method="POST")
        urllib.request.urlopen(request).close()
        assert version_after_restart(client, "0.0.9") == "0.0.10"
        drawn = draw(client, prompt="a red circle", alwayson_scripts={"Hyper-SD": {"args": [True]}})
        assert drawn.own()["Hyper-SD"] == "Hyper-SD15-8steps-lora"


def renew(file: Path, pattern: str, replacement: str) -> None:
    text, found = re.subn(pattern, replacement, file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert found, pattern
    file.write_text(text, encoding="utf-8")


def version_after_restart(client: Client, old: str) -> str:
    end = time.monotonic() + RESTART_S
    while time.monotonic() < end:
        try:
            version = client.get("/hypersd/v1/status")["version"]
        except (OSError, AssertionError):  # not there yet
            version = old
        if version != old:
            return version
        time.sleep(0.2)
    raise AssertionError("the WebUI did not come back with the new version")
