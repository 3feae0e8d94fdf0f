"""LoRAs of other distillations, look-alikes under their published names: by object as by hand, to the bit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from live.runner import Session
from live.scenario import SkippedError
from live.server import PROJECT, miniwebui
from live.target import Target
from safetensors.torch import load_file, save_file
from shared_servers import SharedServers


class Published(NamedTuple):
    """A file's name, the file that it is a copy of here, and what it was published for."""

    name: str
    of: str
    family: str
    steps: int
    sampler: str = "Euler"
    cfg: float = 1.0
    distilled_cfg: float | None = None


LCM, TCD, SGM_UNIFORM = "LCM", "Hyper-SD TCD", "SGM Uniform"
SDXL, SD15, FLUX = "Hyper-SDXL-4steps-lora", "Hyper-SD15-4steps-lora", "Hyper-FLUX.1-dev-8steps-lora"
FILES = (
    Published("sdxl_lightning_2step_lora", SDXL, "sdxl", 2),
    Published("sdxl_lightning_4step_lora", SDXL, "sdxl", 4),
    Published("sdxl_lightning_8step_lora", SDXL, "sdxl", 8),
    Published("lcm-lora-sdv1-5", SD15, "sd15", 4, LCM),
    Published("lcm-lora-sdxl", SDXL, "sdxl", 4, LCM),
    Published("dmd2_sdxl_4step_lora", SDXL, "sdxl", 4, LCM),
    Published("TCD-SD15-LoRA", SD15, "sd15", 4, TCD),
    Published("TCD-SDXL-LoRA", SDXL, "sdxl", 4, TCD),
    Published("pcm_sd15_smallcfg_2step_converted", SD15, "sd15", 2),
    Published("pcm_sdxl_normalcfg_4step_converted", SDXL, "sdxl", 4, cfg=7.0),
    Published("FLUX.1-Turbo-Alpha", FLUX, "flux", 8, distilled_cfg=3.5),
)


@contextmanager
def _with_kin(profile: str, source: Path, folder: Path) -> Iterator[Target]:
    """A WebUI with the files of `source`, some of them under these names, too."""
    (folder / "Stable-diffusion").symlink_to(source / "Stable-diffusion")
    (folder / "Lora").mkdir()
    for path in (source / "Lora").glob("*.safetensors"):
        (folder / "Lora" / path.name).symlink_to(path)
    for file in FILES:
        original = source / "Lora" / f"{file.of}.safetensors"
        if original.exists():
            # Without the metadata, which say what it is.
            save_file(load_file(original), folder / "Lora" / f"{file.name}.safetensors")
    with (
        miniwebui(profile, "--models-dir", str(folder)) as client,
        Session(client, checkpoint="miniature-sd15") as target,
    ):
        yield target


@pytest.fixture
def with_kin(
    host_profile: str, target: Target, shared: SharedServers, tmp_path_factory: pytest.TempPathFactory
) -> Target:
    assert target.checkpoints  # the profile's own WebUI has made the profile's models
    source, folder = PROJECT / "outputs" / "models" / host_profile, tmp_path_factory.mktemp("models")
    return shared.get(("kin", host_profile), lambda: _with_kin(host_profile, source, folder))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_picture_by_object_is_the_one_by_hand(with_kin: Target, file: Published) -> None:
    try:
        title = {"sd_model_checkpoint": with_kin.checkpoint(file.family)}
    except SkippedError as why:
        pytest.skip(str(why))
    sampler, eta = file.sampler, {}
    if sampler == LCM and LCM not in with_kin.samplers:
        sampler, eta = TCD, {"eta": 1.0}
    hand = {"steps": file.steps, "cfg_scale": file.cfg, "sampler_name": sampler}
    hand["scheduler"] = TCD if sampler == TCD else SGM_UNIFORM
    if file.distilled_cfg is not None:
        hand["distilled_cfg_scale"] = file.distilled_cfg
    if not with_kin.has_schedule_types and sampler == TCD:
        del hand["scheduler"]
    mine = with_kin.draw(hypersd={"lora": file.name}, override_settings=title)
    settings = {"enabled": False, **eta}
    prompt = f"a red circle on a green background <lora:{file.name}:1>"
    by_hand = with_kin.draw(hypersd=settings, prompt=prompt, override_settings=title, **hand)
    own = mine.infotext.own()
    assert own["Hyper-SD"] == file.name
    assert ("has no sampler LCM" in own.get("Hyper-SD notice", "")) == bool(eta)
    if not eta:  # an eta is the panel's or the object's alone
        assert mine.picture.distance(by_hand.picture) <= with_kin.tolerance


def test_a_second_distillation_in_the_prompt_is_named(with_kin: Target) -> None:
    plan = with_kin.plan({}, prompt="a red circle <lora:lcm-lora-sdv1-5:1>")
    assert "lcm-lora-sdv1-5 (LCM) is a LoRA of another distillation" in plan.notice
    off = with_kin.draw(args=[False], prompt="a red circle <lora:lcm-lora-sdv1-5:1>")
    assert not off.infotext.own()
