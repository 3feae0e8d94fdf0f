"""Files under the names that people give them: plan, status, picture and infotext agree, before and after loading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from live.client import Plan
from live.runner import Session
from live.server import PROJECT, miniwebui
from live.target import Target


class Renamed(NamedTuple):
    """A checkpoint of miniwebui's under another name; `lora` is the file that a plan takes, None where it takes none,
    and `notice` what it says then."""

    name: str
    of: str
    family: str
    lora: str | None
    notice: str = ""


BEST = {
    "sd15": "Hyper-SD15-8steps-lora",
    "sdxl": "Hyper-SDXL-8steps-lora",
    "flux": "Hyper-FLUX.1-dev-8steps-lora",
}
DISTILLED = "is distilled already"
CHECKPOINTS = (
    Renamed("HyperRealism_v3", "miniature-sd15", "sd15", BEST["sd15"]),
    Renamed("realisticVisionV60B1_v51HyperVAE", "miniature-sd15", "sd15", None, DISTILLED),
    Renamed("photonLCM_v10", "miniature-sd15", "sd15", None, DISTILLED),
    Renamed("ZavyChromaXL_v90", "miniature-sdxl", "sdxl", BEST["sdxl"]),
    Renamed("creapromptLightning_creapromtHypersdxlV1", "miniature-sdxl", "sdxl", None, DISTILLED),
    Renamed("copaxTimeless_photorealismSDXL8Step", "miniature-sdxl", "sdxl", None, DISTILLED),
    Renamed("SDXL_Flash", "miniature-sdxl", "sdxl", None, DISTILLED),
    Renamed("sdxl_lightning_1step_unet_x0", "miniature-sdxl-1step-unet", "sdxl", None, "1-step UNet"),
    Renamed("dmd2_sdxl_1step_unet_fp16", "miniature-sdxl-1step-unet", "sdxl", None, "1-step UNet"),
    Renamed("fluxUnchainedBySCG_hyfu8StepHybridV10", "miniature-flux-dev", "flux", None, DISTILLED),
    Renamed("fluxFusionV24StepsGGUFNF4_V2Fp8", "miniature-flux-dev", "flux", None, DISTILLED),
    Renamed("jibMix_v8", "miniature-flux-dev", "flux", BEST["flux"]),
)
LORAS = {
    "HyperSDXL8StepCFG": "Hyper-SDXL-8steps-CFG-lora",
    "sdxl_hyper_sd_4step_lora": "Hyper-SDXL-4steps-lora",
    "hyperSD15x8steps": "Hyper-SD15-8steps-lora",
}
STYLE = "hyper-detail-slider_xl"
UNREADABLE = "oldModel"
"""An SDXL checkpoint with one byte too many: the host loads it, and its header can't be believed."""


@contextmanager
def _renamed(profile: str, source: Path, folder: Path) -> Iterator[Target]:
    """A WebUI with the files of `source`, and with the renamed ones."""
    for kind, names in (("Stable-diffusion", {c.name: c.of for c in CHECKPOINTS}), ("Lora", LORAS)):
        (folder / kind).mkdir()
        for path in (source / kind).glob("*.safetensors"):
            (folder / kind / path.name).symlink_to(path)
        for name, of in names.items():
            if (source / kind / f"{of}.safetensors").exists():
                (folder / kind / f"{name}.safetensors").symlink_to(source / kind / f"{of}.safetensors")
    if "sdxl" in {path.stem.partition("-")[2] for path in (source / "Stable-diffusion").iterdir()}:
        whole = (source / "Stable-diffusion" / "miniature-sdxl.safetensors").read_bytes()
        (folder / "Stable-diffusion" / f"{UNREADABLE}.safetensors").write_bytes(whole + b"\0")
    style = source / "Lora" / "Hyper-SDXL-2steps-lora.safetensors"
    (folder / "Lora" / f"{STYLE}.safetensors").symlink_to(style)
    with (
        miniwebui(profile, "--models-dir", str(folder)) as client,
        Session(client, checkpoint="miniature-sd15") as target,
    ):
        yield target


@pytest.fixture(scope="module")
def renamed(host_profile: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    source = PROJECT / "outputs" / "models" / host_profile
    if not source.exists():
        with miniwebui(host_profile, "--nowebui"):
            pass  # its start makes them
    with _renamed(host_profile, source, tmp_path_factory.mktemp("models")) as target:
        yield target


def _plan(host: Target, name: str, hypersd: dict[str, object] | None = None, **fields: object) -> Plan:
    override = {"sd_model_checkpoint": host.checkpoints[name]}
    return host.plan(hypersd or {}, override_settings=override, **fields)


@pytest.mark.parametrize("file", CHECKPOINTS, ids=lambda file: file.name)
def test_a_checkpoint_is_what_it_is_before_and_after_it_is_loaded(renamed: Target, file: Renamed) -> None:
    if file.name not in renamed.checkpoints:
        pytest.skip(f"this WebUI has no {file.family}")
    before = _plan(renamed, file.name)
    assert (before.active, before.family, before.lora) == (file.lora is not None, file.family, file.lora)
    assert file.notice in before.notice
    title = renamed.checkpoints[file.name]
    drawn = renamed.draw(hypersd={}, override_settings={"sd_model_checkpoint": title})
    own = drawn.infotext.own()
    assert own.get("Hyper-SD") == file.lora
    assert own.get("Hyper-SD notice", "") == before.notice
    with renamed.option("sd_model_checkpoint", title):
        loaded = renamed.draw(hypersd={})
        assert _plan(renamed, file.name) == before
        status = renamed.client.get("/hypersd/v1/status")
    assert status["family"] == file.family
    assert loaded.picture.pixels == drawn.picture.pixels
    assert loaded.infotext.own() == own


@pytest.mark.parametrize("name", LORAS)
def test_a_renamed_lora_has_the_recipe_of_its_own(renamed: Target, name: str) -> None:
    published = LORAS[name]
    family = "sdxl" if "SDXL" in published else "sd15"
    checkpoint = f"miniature-{family}"
    if checkpoint not in renamed.checkpoints:
        pytest.skip(f"this WebUI has no {family}")
    plan = _plan(renamed, checkpoint, {"lora": name})
    expected = _plan(renamed, checkpoint, {"lora": published})
    assert (plan.active, plan.lora, plan.weight) == (True, name, expected.weight)
    kept = ("steps", "cfg_scale", "sampler_name", "scheduler")
    assert {key: plan.values.get(key) for key in kept} == {key: expected.values.get(key) for key in kept}


def test_a_style_is_nobodys_second_file(renamed: Target) -> None:
    if "miniature-sdxl" not in renamed.checkpoints:
        pytest.skip("this WebUI has no sdxl")
    typed = f"a red circle <lora:{STYLE}:0.6>"
    plan = _plan(renamed, "miniature-sdxl", {"steps": 2}, prompt=typed)
    assert plan.lora == "Hyper-SDXL-2steps-lora"
    assert plan.prompt.startswith(typed)
    assert not plan.notices
    assert not host_lists_as_own(renamed)


def test_a_hires_checkpoint_that_can_not_be_read_is_judged_when_it_is_loaded(renamed: Target) -> None:
    hires = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": renamed.upscaler, "denoising_strength": 0.6}
    hires["hr_checkpoint_name"] = renamed.checkpoints[UNREADABLE]
    first = renamed.draw(hypersd={}, **hires).infotext.own()["Hyper-SD notice"]
    assert f"its checkpoint {UNREADABLE} is not known until it is loaded" in first
    assert f"{UNREADABLE} is SDXL: the next hires pass on it is planned for that." in first
    second = renamed.draw(fresh=True, hypersd={}, **hires).infotext
    assert UNREADABLE not in second.own().get("Hyper-SD notice", "")
    assert f"<lora:{BEST['sdxl']}:" in second.fields["Hires prompt"]


def host_lists_as_own(host: Target) -> bool:
    return any(lora["name"] == STYLE for lora in host.client.get("/hypersd/v1/status")["loras"])
