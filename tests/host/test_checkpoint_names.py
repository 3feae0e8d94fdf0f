"""What a checkpoint's name says: distilled already or not, and for how many steps."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from live.client import Plan
from live.published import tags
from live.runner import Session
from live.server import PROJECT, miniwebui
from live.target import Target

PLAIN = ("miniature-sd15", "HyperRealism_v3", "photohyperreal", "turbine_v2", "dmdesign", "lcmodern", "dreamshaper_8")
DISTILLED = (
    "photo-turbo",
    "dream_lightning_v2",
    "style-LCM",
    "merged-hyper-sd15",
    "juggernaut_hypersd",
    "real-hyper-v2",
    "epic_hyper8s",
    "some_dmd2",
    "Photo_Hyper_4step",
)
NAMED_STEPS = {"photo-turbo-4step": 4, "dream_lightning_8s": 8, "hyper-2steps-mix": 2, "style-lcm": 8}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    weights = PROJECT / "dev" / "miniature" / "weights"
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(weights / "Lora", folder / "Lora")
    (folder / "Stable-diffusion").mkdir()
    source = next(weights.rglob("miniature-sd15.safetensors"))
    for name in (*PLAIN, *DISTILLED, *NAMED_STEPS):
        (folder / "Stable-diffusion" / f"{name}.safetensors").symlink_to(source)
    with (
        miniwebui("forge", "--models-dir", str(folder)) as client,
        Session(client, checkpoint=title(PLAIN[0])) as target,
    ):
        yield target


def title(name: str) -> str:
    return f"{name}.safetensors"


def plan_on(host: Target, name: str, hypersd: dict[str, object]) -> Plan:
    return host.plan(hypersd, override_settings={"sd_model_checkpoint": title(name)})


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_name_is_planned_for(host: Target, name: str) -> None:
    plan = plan_on(host, name, {})
    assert (plan.active, plan.family, plan.lora) == (True, "sd15", "Hyper-SD15-8steps-lora")
    assert plan.notices == ()


@pytest.mark.parametrize("name", DISTILLED)
def test_a_distilled_name_changes_nothing_and_says_so(host: Target, name: str) -> None:
    plan = plan_on(host, name, {})
    assert not plan.changes
    assert len(plan.notices) == 1


def test_a_distilled_name_can_be_overruled(host: Target) -> None:
    plan = plan_on(host, DISTILLED[0], {"lora": "Hyper-SD15-4steps-lora"})
    assert plan.lora == "Hyper-SD15-4steps-lora"
    assert plan.notices


@pytest.mark.parametrize("name", NAMED_STEPS)
def test_no_lora_takes_its_steps_from_the_name(host: Target, name: str) -> None:
    plan = plan_on(host, name, {"lora": "none"})
    assert plan.values["steps"] == NAMED_STEPS[name]
    assert tags(plan.prompt) == []
    assert plan.values["cfg_scale"] == 1
    assert (plan.values["sampler_name"], plan.values["scheduler"]) == ("Euler", "SGM Uniform")


def test_a_picture_of_a_distilled_checkpoint_is_stock(host: Target) -> None:
    override = {"override_settings": {"sd_model_checkpoint": title(DISTILLED[0])}}
    drawn, stock = host.draw(hypersd={}, **override), host.draw(**override)
    assert drawn.picture.pixels == stock.picture.pixels
    assert drawn.infotext.foreign() == stock.infotext.foreign()
    assert list(drawn.infotext.own()) == ["Hyper-SD notice"]
