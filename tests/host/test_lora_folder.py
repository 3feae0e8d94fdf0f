"""LoRA files that are damaged, missing, renamed, in subfolders, or added while the host runs."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from live.client import Drawn
from live.published import tags
from live.runner import Session
from live.server import PROJECT, miniwebui
from live.target import Target

GOOD = "Hyper-SD15-4steps-lora"
CLAIMED_HEADER_BYTES = 1 << 60
DAMAGED = {
    "Hyper-SD15-8steps-lora": "empty",
    "Hyper-SD15-2steps-lora": "truncated",
    "Hyper-SD15-1step-lora": "not safetensors",
    "Hyper-SD15-8steps-CFG-lora": "a header of 2^60 bytes",
}
MISSING = "Hyper-SD15-12steps-CFG-lora"


@pytest.fixture(scope="module")
def lora_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    models = PROJECT / "dev" / "miniature" / "weights"
    source = next(models.rglob(f"{GOOD}.safetensors"))
    folder = tmp_path_factory.mktemp("Lora")
    shutil.copy(source, folder / f"{GOOD}.safetensors")
    (folder / "Hyper-SD15-8steps-lora.safetensors").touch()
    (folder / "Hyper-SD15-2steps-lora.safetensors").write_bytes(source.read_bytes()[:1000])
    (folder / "Hyper-SD15-1step-lora.safetensors").write_bytes(b"<html>Access denied</html>" * 40)
    claim = struct.pack("<Q", CLAIMED_HEADER_BYTES) + b'{"__metadata__":{}}'
    (folder / "Hyper-SD15-8steps-CFG-lora.safetensors").write_bytes(claim)
    (folder / "deep" / "er").mkdir(parents=True)
    shutil.copy(source, folder / "deep" / "er" / "my-own-4steps-name.safetensors")
    (folder / "broken-json.safetensors").write_bytes(struct.pack("<Q", 9) + b'{"a": [1}')
    header = json.dumps({"x.lora_up.weight": {"dtype": "F16", "shape": "many", "data_offsets": None}}).encode()
    (folder / "odd-header.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    return folder


@pytest.fixture(scope="module")
def host(lora_folder: Path) -> Iterator[Target]:
    with miniwebui("forge", "--lora-dir", str(lora_folder)) as client, Session(client) as target:
        yield target


def assert_stock(drawn: Drawn, stock: Drawn) -> None:
    assert drawn.picture.pixels == stock.picture.pixels
    assert drawn.infotext.prompt == stock.infotext.prompt
    assert drawn.infotext.foreign() == stock.infotext.foreign()


def test_auto_passes_over_damaged_files(host: Target) -> None:
    drawn = host.draw(hypersd={})
    assert drawn.infotext.own()["Hyper-SD"] == GOOD
    assert tags(drawn.infotext.prompt) == [(GOOD, "1")]


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_that_was_named_draws_as_stock_with_one_notice(host: Target, name: str) -> None:
    drawn = host.draw(hypersd={"lora": name})
    assert_stock(drawn, host.draw())
    assert len(drawn.infotext.own()) == 1
    assert name in next(iter(drawn.infotext.own().values()))


@pytest.mark.parametrize("name", DAMAGED)
def test_an_alias_of_a_damaged_file_stands_for_the_nearest_whole_one(host: Target, name: str) -> None:
    drawn = host.draw(prompt=f"a red circle <lora:{name.removesuffix('-lora')}>")
    assert tags(drawn.infotext.prompt) == [(GOOD, "1")]
    notice = drawn.infotext.own()["Hyper-SD notice"]
    assert notice == f"<lora:{name.removesuffix('-lora')}> stands for {GOOD} here, the nearest file on this machine."


@pytest.mark.parametrize("name", DAMAGED)
def test_a_typed_damaged_file_draws_as_stock_with_one_notice(host: Target, name: str) -> None:
    prompt = f"a red circle <lora:{name}:1>"
    drawn = host.draw(prompt=prompt, hypersd={})
    assert_stock(drawn, host.draw(prompt=prompt))
    assert list(drawn.infotext.own()) == ["Hyper-SD notice"]
    assert f"The file of {name} is " in drawn.infotext.own()["Hyper-SD notice"]


def test_a_missing_file_is_named_with_its_source(host: Target) -> None:
    drawn = host.draw(hypersd={"lora": MISSING})
    assert_stock(drawn, host.draw())
    assert list(drawn.infotext.own()) == ["Hyper-SD notice"]
    notice = drawn.infotext.own()["Hyper-SD notice"]
    assert MISSING in notice
    assert "huggingface.co/ByteDance/Hyper-SD" in notice


def test_none_present_is_said_with_file_and_source(host: Target) -> None:
    title = host.checkpoint("sdxl")
    settings = {"override_settings": {"sd_model_checkpoint": title}}
    drawn = host.draw(hypersd={}, **settings)
    assert_stock(drawn, host.draw(**settings))
    assert list(drawn.infotext.own()) == ["Hyper-SD notice"]
    notice = drawn.infotext.own()["Hyper-SD notice"]
    assert "Hyper-SDXL-8steps-lora" in notice
    assert "huggingface.co" in notice


def test_an_alias_that_cannot_be_resolved_is_taken_out(host: Target) -> None:
    settings = {"override_settings": {"sd_model_checkpoint": host.checkpoint("sdxl")}}
    drawn = host.draw(prompt="a red circle <lora:Hyper-SDXL:0.5>", **settings)
    assert tags(drawn.infotext.prompt) == []
    assert "Hyper-SD notice" in drawn.infotext.own()
    assert drawn.picture.pixels == host.draw(prompt="a red circle", **settings).picture.pixels


def test_a_renamed_copy_in_a_subfolder_is_known(host: Target) -> None:
    plan = host.plan({"lora": "my-own-4steps-name"})
    assert plan.lora == "my-own-4steps-name"
    assert plan.values["steps"] == 4
    assert tags(plan.prompt) == [("my-own-4steps-name", "1")]
    drawn = host.draw(hypersd={"lora": "my-own-4steps-name"})
    assert drawn.picture.pixels == host.draw(hypersd={"lora": GOOD}).picture.pixels


@pytest.mark.parametrize("name", ["broken-json", "odd-header"])
def test_a_file_of_no_sense_is_a_damaged_one_and_no_bad_input(host: Target, name: str) -> None:
    """The host lists it, so `lora` names it rightly: nothing is changed, and one notice says what is wrong with it."""
    assert name in host.loras
    notice = f"The file of {name} is not a safetensors file: nothing was changed; download it again."
    reply = host.try_to_plan({"lora": name})
    assert reply.status == 200
    assert (reply.json()["active"], reply.json()["notices"]) == (False, [notice])
    drawn = host.draw(hypersd={"lora": name})
    assert_stock(drawn, host.draw())
    assert drawn.infotext.own() == {"Hyper-SD notice": notice}


def test_a_name_that_the_host_does_not_list_is_bad_input(host: Target) -> None:
    reply = host.try_to_plan({"lora": "no-such-file"})
    assert reply.status == 422
    assert reply.json()["detail"][0]["loc"] == ["body", "hypersd", "lora"]


def test_status_and_catalog_tell_what_is_usable(host: Target) -> None:
    status = {entry["name"]: entry for entry in host.client.get("/hypersd/v1/status")["loras"]}
    assert {name for name, entry in status.items() if entry["damaged"]} == DAMAGED.keys()
    catalog = {entry["name"]: entry for entry in host.client.get("/hypersd/v1/catalog")["variants"]}
    assert catalog[GOOD]["present"]
    assert not catalog[MISSING]["present"]


def test_files_added_and_taken_away_while_the_host_runs_are_seen(host: Target, lora_folder: Path) -> None:
    assert host.plan({"steps": 12}).lora == GOOD
    added = lora_folder / f"{MISSING}.safetensors"
    shutil.copy(lora_folder / f"{GOOD}.safetensors", added)
    try:
        host.client.send("POST", "/sdapi/v1/refresh-loras", {})
        assert host.plan({"steps": 12}).lora == MISSING
        assert host.draw(hypersd={"steps": 12}).infotext.own()["Hyper-SD"] == MISSING
    finally:
        added.unlink()
    host.client.send("POST", "/sdapi/v1/refresh-loras", {})
    assert host.plan({"steps": 12}).lora == GOOD


def test_a_damaged_file_that_was_mended_is_used(host: Target, lora_folder: Path) -> None:
    path = lora_folder / "Hyper-SD15-8steps-lora.safetensors"
    assert host.plan({}).lora == GOOD
    shutil.copy(lora_folder / f"{GOOD}.safetensors", path)
    try:
        host.client.send("POST", "/sdapi/v1/refresh-loras", {})
        assert host.plan({}).lora == "Hyper-SD15-8steps-lora"
    finally:
        path.write_bytes(b"")


def test_a_file_whose_own_name_is_an_alias_is_that_file(host: Target, lora_folder: Path) -> None:
    path = lora_folder / "Hyper-SD15.safetensors"
    shutil.copy(lora_folder / f"{GOOD}.safetensors", path)
    prompt = "a red circle <lora:Hyper-SD15:0.5>"
    try:
        host.client.send("POST", "/sdapi/v1/refresh-loras", {})
        plan = host.plan(prompt=prompt)
        assert (plan.active, plan.prompt) == (False, prompt)
    finally:
        path.unlink()
        host.client.send("POST", "/sdapi/v1/refresh-loras", {})
    assert host.plan(prompt=prompt).prompt == f"a red circle <lora:{GOOD}:0.5>"
