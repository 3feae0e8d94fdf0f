"""What people have from older versions still works: infotexts, settings, and a WebUI that is not restarted."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import subprocess
import tarfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from live.client import Client, Drawn, Infotext
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
    extension.mkdir()
    copy_working_tree(extension)
    set_version(extension, "0.0.9")
    with with_reload(profile, extension) as client:
        assert client.get("/hypersd/v1/status")["version"] == "0.0.9"
        set_version(extension, "0.0.10")
        refuse_older_modules(extension)
        reload_ui(client)
        assert version_after_reload(client, "0.0.9") == "0.0.10"
        drawn = draw(client, prompt="a red circle", alwayson_scripts={"Hyper-SD": {"args": [True]}})
        assert drawn.own()["Hyper-SD"] == "Hyper-SD15-8steps-lora"


@pytest.mark.parametrize(
    ("profile", "leftovers"), [("forge", True), ("a1111", False)], ids=["forge, unzipped over it", "a1111, by git pull"]
)
def test_an_update_from_0_2_0_needs_no_more_than_reload_ui(profile: str, leftovers: bool, tmp_path: Path) -> None:
    """Also where files that 0.2.0 had, and this version has no more, are still in the folder."""
    extension = tmp_path / "hyper-sd-webui"
    extension.mkdir()
    export_0_2_0(extension)
    older = modules_of(extension)
    with with_reload(profile, extension) as client:
        before = answers(client)
        assert before["version"] == "0.2.0"
        if not leftovers:
            for name in EXTENSION:
                path = extension / name
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        copy_working_tree(extension)
        assert modules_of(extension).issuperset(older) == leftovers
        set_version(extension, "0.0.10")
        refuse_older_modules(extension)
        reload_ui(client)
        assert version_after_reload(client, "0.2.0") == "0.0.10"
        assert answers(client) == before | {"version": "0.0.10"}


# Copies of the extension -------------------------------------------------------------------------------------------

EXTENSION = ("lib_hypersd", "scripts", "javascript", "metadata.ini", "pyproject.toml", "style.css")
"""What a WebUI needs of the project's folder."""
VERSION_0_2_0 = "db09164"
REFUSES_OLDER_MODULES = """
_older = [
    _name
    for _name, _module in sys.modules.items()
    if _name.partition(".")[0] == "lib_hypersd" and not hasattr(_module, "IS_NEW")
]
if _older:
    raise ImportError(f"modules of the version before: {_older}")
"""


def copy_working_tree(extension: Path) -> None:
    """Put this version into a folder, over what is there."""
    without_caches = shutil.ignore_patterns("__pycache__")
    for name in EXTENSION:
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, extension / name, ignore=without_caches, dirs_exist_ok=True)
        else:
            shutil.copy(PROJECT / name, extension / name)


def export_0_2_0(extension: Path) -> None:
    """Put version 0.2.0 into an empty folder, from the project's history."""
    git = shutil.which("git")
    if git is None or subprocess.call([git, "cat-file", "-e", f"{VERSION_0_2_0}^{{commit}}"], cwd=PROJECT) != 0:
        pytest.skip(f"version 0.2.0, commit {VERSION_0_2_0}, is not in the git history here (a shallow clone?)")
    command = [git, "archive", "--format=tar", VERSION_0_2_0, *EXTENSION]
    archive = subprocess.run(command, cwd=PROJECT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(extension)


def modules_of(extension: Path) -> set[Path]:
    return {path.relative_to(extension) for path in (extension / "lib_hypersd").rglob("*.py")}


def set_version(extension: Path, version: str) -> None:
    file = extension / "pyproject.toml"
    text, found = re.subn(r'^version = ".+"', f'version = "{version}"', file.read_text(encoding="utf-8"), flags=re.M)
    assert found
    file.write_text(text, encoding="utf-8")


def refuse_older_modules(extension: Path) -> None:
    """Make the entry fail where any module of lib_hypersd is still the one that the host loaded before."""
    for module in modules_of(extension):
        _append(extension / module, "\nIS_NEW = True\n")
    _append(extension / "scripts" / "hypersd.py", REFUSES_OLDER_MODULES)


def _append(file: Path, text: str) -> None:
    with file.open("a", encoding="utf-8") as end:
        end.write(text)


# A WebUI whose page is reloaded ------------------------------------------------------------------------------------

REQUESTS: dict[str, dict[str, Any]] = {
    "object": {"alwayson_scripts": {"Hyper-SD": {"args": [{"steps": 2}]}}},
    "panel": {"alwayson_scripts": {"Hyper-SD": {"args": [True, "auto", "4"]}}},
    "tag": {"prompt": "a red circle <lora:Hyper-SD15-4steps:0.9>"},
    "own sampler": {"alwayson_scripts": {"Hyper-SD": {"args": [{"lora": "Hyper-SD15-1step-lora", "steps": 2}]}}},
    "off": {},
}


def with_reload(profile: str, extension: Path) -> contextlib.AbstractContextManager[Client]:
    return miniwebui(profile, "--without-extension", "--extra-extension", str(extension), "--api-server-stop")


def reload_ui(client: Client) -> None:
    request = urllib.request.Request(f"{client.url}/sdapi/v1/server-restart", method="POST")
    urllib.request.urlopen(request).close()


def version_after_reload(client: Client, old: str) -> str:
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


def answers(client: Client) -> dict[str, Any]:
    """What an update must not change: pictures, the values in their infotexts, one panel in each tab, own samplers."""
    drawn = {name: _picture(client, **fields) for name, fields in REQUESTS.items()}
    ids = [component["props"].get("elem_id") for component in client.get("/config")["components"]]
    status = client.get("/hypersd/v1/status")
    return {
        "version": status["version"],
        "samplers": status["samplers"],
        "listed samplers": [sampler["name"] for sampler in client.get("/sdapi/v1/samplers")],
        "panels": [ids.count(f"hypersd_{tab}") for tab in ("txt2img", "img2img")],
        **drawn,
    }


def _picture(client: Client, **fields: Any) -> tuple[bytes, dict[str, str], str | None]:
    """Pixels, the host's own fields of the infotext, and the LoRA that this extension's fields name."""
    request = {"prompt": "a red circle", "width": 64, "height": 64, "seed": 5, "steps": 8, **fields}
    drawn = Drawn.read(client.post("/sdapi/v1/txt2img", request))
    return drawn.picture.pixels, drawn.infotext.foreign(), drawn.infotext.own().get("Hyper-SD")
