"""Other extensions in the same host: they rewrite prompts, raise, or make a field that cannot be set."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from live.client import Drawn
from live.published import tags
from live.runner import Session
from live.server import PROJECT, miniwebui
from live.target import Target

EXTENSIONS = Path(__file__).parent / "extensions"
HIRES = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "None", "denoising_strength": 0.55}
NAME = "Hyper-SD15-2steps-lora"
QUICK = {"lora": NAME}
TAG = [(NAME, "1")]


# The hosts name a callback by its extension's folder; this one asks to run before ours.
ORDER = """[callbacks/early-meddler/early_meddler.py/script_process/EarlyMeddler]
Before = {folder}/hypersd.py/script_process/HyperSDScript
"""


@pytest.fixture(scope="module", params=["forge", "a1111"])
def meddled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("extensions")
    shutil.copytree(EXTENSIONS, folder, dirs_exist_ok=True)
    (folder / "early-meddler" / "metadata.ini").write_text(ORDER.format(folder=PROJECT.name.lower()))
    extra = [part for name in ("meddler", "early-meddler") for part in ("--extra-extension", str(folder / name))]
    with miniwebui(request.param, *extra) as client, Session(client) as target:
        yield target


def test_adetailer_sees_the_plans_steps(tmp_path: Path) -> None:
    """It notes steps and sampler in its own `process`, and by its folder's name would come before us."""
    shutil.copytree(EXTENSIONS / "adetailer", tmp_path / "adetailer")
    order = [part for folder in (tmp_path / "adetailer", PROJECT) for part in ("--extra-extension", str(folder))]
    with miniwebui("a1111", "--without-extension", *order) as client, Session(client) as target:
        drawn = target.draw(hypersd=QUICK)
    assert drawn.infotext.fields["ADetailer saw"] == "2 steps of Euler"


def test_a_prompt_kept_in_process_has_the_tag(tmp_path: Path) -> None:
    """Regional Prompter keeps the prompts of its own `process` for the infotext."""
    name = "sd-webui-regional-prompter"
    shutil.copytree(EXTENSIONS / name, tmp_path / name)
    order = [part for path in (tmp_path / name, PROJECT) for part in ("--extra-extension", str(path))]
    with miniwebui("a1111", "--without-extension", *order) as client, Session(client) as target:
        drawn = target.draw(prompt="a cat BREAK a dog", hypersd=QUICK)
    assert drawn.infotext.prompt == f"a cat BREAK a dog <lora:{NAME}:1>"


def test_an_alias_out_of_a_wildcard_asks_for_the_recipe(tmp_path: Path) -> None:
    """Dynamic Prompts puts the lines of a file into the prompts, in its own `process`."""
    name = "sd-dynamic-prompts"
    shutil.copytree(EXTENSIONS / name, tmp_path / name)
    order = [part for path in (PROJECT, tmp_path / name) for part in ("--extra-extension", str(path))]
    with miniwebui("forge", "--without-extension", *order) as client, Session(client) as target:
        drawn = target.draw(prompt="a red circle __fast__")
    assert drawn.infotext.prompt == f"a red circle <lora:{NAME}:1>"
    assert drawn.infotext.own()["Hyper-SD"] == NAME


def assert_by_hand(host: Target, drawn: Drawn) -> None:
    """Each picture is the one that its infotext asks for."""
    for picture, infotext in zip(drawn.pictures, drawn.infotexts, strict=True):
        request = host.pasted(infotext)
        # The meddlers' words would make them meddle again.
        assert host.draw(hypersd={"enabled": False}, **request).picture.distance(picture) <= 1


@pytest.mark.parametrize("when", ["late", "early"])
def test_prompts_rewritten_in_process_keep_the_tag(meddled: Target, when: str) -> None:
    drawn = meddled.draw(prompt=f"wildcards {when}-rewrite", hypersd=QUICK, batch_size=2, n_iter=2)
    assert [i.prompt for i in drawn.infotexts] == [
        f"a red circle, {when}-rewrite {i} <lora:{NAME}:1>" for i in range(4)
    ]
    plain = meddled.draw(prompt="a red circle, rewrite 0", hypersd=QUICK)
    assert drawn.infotext.own() == plain.infotext.own()


def test_a_rewritten_prompts_picture_has_the_lora(meddled: Target) -> None:
    """The picture is the by-hand one: the meddler rewrites a by-hand request's tag away, so its text is compared."""
    drawn = meddled.draw(prompt="x late-rewrite", hypersd=QUICK)
    text = drawn.infotext.prompt.replace("late-rewrite", "late rewrite")
    by_hand = meddled.draw(hypersd={"enabled": False}, **(meddled.pasted(drawn.infotext) | {"prompt": text}))
    without = meddled.draw(
        hypersd={"enabled": False},
        **(meddled.pasted(drawn.infotext) | {"prompt": "a red circle, late rewrite 0"}),
    )
    assert "Lora hashes" in drawn.infotext.fields
    assert by_hand.picture.distance(without.picture) > 0
    assert drawn.picture.distance(by_hand.picture) < drawn.picture.distance(without.picture)


def test_rewritten_hires_prompts_keep_the_tag(meddled: Target) -> None:
    drawn = meddled.draw(prompt="x late-rewrite", hypersd=QUICK, hr_prompt="a blue square", batch_size=2, **HIRES)
    for index, infotext in enumerate(drawn.infotexts):
        assert infotext.prompt == f"a red circle, late-rewrite {index} <lora:{NAME}:1>"
        assert infotext.fields["Hires prompt"] == f"a blue square, late-rewrite {index} <lora:{NAME}:1>"


def test_an_alias_written_before_is_read(meddled: Target) -> None:
    drawn = meddled.draw(prompt="a red circle early-alias")
    assert drawn.infotext.prompt == f"a red circle early-alias <lora:{NAME}:0.5>"
    assert drawn.infotext.own()["Hyper-SD"] == NAME
    assert drawn.infotext.fields["Steps"] == "2"


def test_an_alias_written_after_is_not_left_in(meddled: Target) -> None:
    """Left in, it makes Forge drop every LoRA of the prompt."""
    drawn = meddled.draw(prompt="a red circle late-alias", hypersd=QUICK, batch_size=2)
    for infotext in drawn.infotexts:
        assert {name for name, _ in tags(infotext.prompt)} == {NAME}
    assert "Lora hashes" in drawn.infotext.fields


def test_a_tag_doubled_after_stays_double(meddled: Target) -> None:
    """Regional Prompter's Latent mode gives each region the LoRAs of its own part."""
    drawn = meddled.draw(prompt="a red circle late-double", hypersd=QUICK, batch_size=2)
    for infotext in drawn.infotexts:
        assert tags(infotext.prompt) == TAG * 2


@pytest.mark.parametrize("word", ["late-raise", "early-raise", "batch-raise"])
def test_another_extensions_fault_changes_nothing_here(meddled: Target, word: str) -> None:
    drawn = meddled.draw(prompt=f"a red circle {word}", hypersd=QUICK)
    assert tags(drawn.infotext.prompt) == TAG
    assert drawn.infotext.fields["Steps"] == "2"
    assert_by_hand(meddled, drawn)


@pytest.mark.parametrize("field", ["steps", "cfg_scale", "sampler_name", "scheduler", "all_prompts", "main_prompt"])
def test_a_fault_leaves_no_half_applied_plan(meddled: Target, field: str) -> None:
    prompt = f"a red circle broken-field {field}"
    drawn = meddled.draw(prompt=prompt, hypersd=QUICK)
    stock = meddled.draw(prompt=prompt, hypersd={"enabled": False})
    assert drawn.infotext.prompt == stock.infotext.prompt
    assert drawn.infotext.foreign() == stock.infotext.foreign()
    assert drawn.picture.pixels == stock.picture.pixels
    assert drawn.infotext.own(), "a word about it in the infotext"
    assert "Hyper-SD changes" not in drawn.infotext.own()


def test_a_fault_in_the_second_pass_leaves_no_half_applied_plan(meddled: Target) -> None:
    prompt = "a red circle broken-field hr_second_pass_steps"
    request = HIRES | {"prompt": prompt, "hr_second_pass_steps": 5}
    drawn, stock = meddled.draw(hypersd=QUICK, **request), meddled.draw(hypersd={"enabled": False}, **request)
    assert drawn.infotext.foreign() == stock.infotext.foreign()
    assert drawn.picture.pixels == stock.picture.pixels
    assert drawn.infotext.own(), "a word about it in the infotext"


def test_a_fault_while_hires_is_turned_on_draws_as_stock(meddled: Target) -> None:
    for field in ("enable_hr", "hr_upscaler", "all_hr_prompts"):
        prompt = f"a red circle broken-field {field}"
        drawn = meddled.draw(prompt=prompt, hypersd=QUICK | {"hires": "always"})
        stock = meddled.draw(prompt=prompt, hypersd={"enabled": False})
        assert drawn.infotext.foreign() == stock.infotext.foreign(), field
        assert drawn.picture.pixels == stock.picture.pixels, field


def test_tcd_set_after_the_plan_on_a_flow_model_costs_no_picture(meddled: Target) -> None:
    """What the host calls Automatic would be black on Forge's FLUX: TCD's schedule type gives SGM Uniform's levels."""
    family = "flux" if "Forge" in meddled.status["host"] else "sd3"
    on = {"override_settings": {"sd_model_checkpoint": meddled.checkpoint(family)}, "scheduler": "Simple"}
    drawn = meddled.draw(prompt="a circle late-tcd", **on)
    assert drawn.infotext.fields["Sampler"] == "Hyper-SD TCD"
    assert any(drawn.picture.pixels)
    assert drawn.picture.pixels != meddled.draw(prompt="a circle", **on).picture.pixels
