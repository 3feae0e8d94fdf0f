"""What the suite requests on anybody's WebUI: it takes what is there, and fails for this extension's faults alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from .client import Client, Reply
from .modules import HIRES_FIELD, OPTION, SAME
from .runner import Session
from .scenario import SkippedError
from .target import IMG2IMG, TXT2IMG, Target

SET = ["/models/VAE/ae.safetensors", "/models/text_encoder/t5.safetensors"]
FLUX, SDXL = "my-flux-dev.gguf [1]", "sdxl-base.safetensors [2]"


class FakeHost(Client):
    """A WebUI of a few answers; it can't generate on the checkpoints of `broken`, nor with this extension where
    `is_faulty`."""

    def __init__(self, options: Mapping[str, Any], loras: tuple[str, ...] = (), family: str = "sd15") -> None:
        super().__init__("http://nowhere")
        fields = {"properties": dict.fromkeys((HIRES_FIELD, "scheduler", "hr_scheduler"))}
        models = [{"model_name": title.split(".")[0], "title": title} for title in (FLUX, SDXL)]
        self.__dict__.update(held=dict(options), broken=set(), is_faulty=False)
        self.__dict__["answers"] = {
            "/sdapi/v1/loras": [{"name": name} for name in loras],
            "/sdapi/v1/sd-models": models,
            "/openapi.json": {"components": {"schemas": {TXT2IMG: fields, IMG2IMG: fields}}},
            "/hypersd/v1/status": {"family": family, "checkpoint": "photo-v1-5", "host": "Forge"},
        }

    def send(self, method: str, path: str, body: Any = None, **more: Any) -> Reply:
        if path == "/sdapi/v1/options":
            self.held.update(body or {})
            return Reply(200, json.dumps(self.held))
        if method == "GET":
            return Reply(200, json.dumps(self.answers[path]))
        title = body.get("override_settings", {}).get("sd_model_checkpoint")
        [args] = body["alwayson_scripts"]["Hyper-SD"]["args"]
        fails = title in self.broken or (self.is_faulty and args.get("enabled", True))
        return Reply(500 if fails else 200, "no CLIP" if fails else json.dumps({"info": "{}", "images": []}))


def test_pictures_are_drawn_with_a_file_of_the_plain_recipe() -> None:
    one, eight = "Hyper-SD15-1step-lora", "Hyper-SD15-8steps-lora"
    assert Target(FakeHost({}, (one, eight))).quick.name == eight
    with pytest.raises(SkippedError, match="2 or more steps"):
        _ = Target(FakeHost({}, (one,))).quick


@pytest.mark.parametrize(("given", "known"), [((), SET), (("mine",), ["mine"])])
def test_a_flux_checkpoint_is_requested_with_the_hosts_modules(given: tuple[str, ...], known: list[str]) -> None:
    target = Target(FakeHost({OPTION: SET}), modules=given)
    for title, modules in ((FLUX, known), (SDXL, [])):
        request = target.request(override_settings={"sd_model_checkpoint": title, "x": 1})
        assert request["override_settings"] == {"sd_model_checkpoint": title, "x": 1, OPTION: modules}
        second = target.request(enable_hr=True, hr_checkpoint_name=title)
        assert second[HIRES_FIELD] == modules
    assert target.request(enable_hr=True)[HIRES_FIELD] == [SAME]
    assert "override_settings" not in target.request()


def test_a_host_without_modules_is_sent_none() -> None:
    target = Target(FakeHost({}))
    on = {"override_settings": {"sd_model_checkpoint": FLUX}}
    assert target.request(**on)["override_settings"] == on["override_settings"]
    assert target.request(enable_hr=True, hr_checkpoint_name=FLUX)[HIRES_FIELD] == [SAME]


def test_what_the_host_itself_cannot_generate_is_skipped_and_a_fault_of_this_extension_fails() -> None:
    host = FakeHost({OPTION: []})
    on = {"override_settings": {"sd_model_checkpoint": FLUX}}
    host.broken.add(FLUX)
    with pytest.raises(SkippedError, match="no CLIP"):
        Target(host).draw(hypersd={}, **on)
    host.broken.clear()
    host.__dict__["is_faulty"] = True
    for fields in ({}, on):
        with pytest.raises(AssertionError, match="answered 500"):
            Target(host).draw(hypersd={}, **fields)
    host.broken.update((FLUX, None))  # nothing works any more: that may be this extension's doing
    with pytest.raises(AssertionError, match="answered 500"):
        Target(host).draw(hypersd={}, **on)


@pytest.mark.parametrize(("family", "first"), [("sd15", []), ("flux", [])])
def test_a_session_sets_the_modules_of_its_checkpoint_and_puts_them_back(family: str, first: list[str]) -> None:
    host = FakeHost({OPTION: SET, "sd_model_checkpoint": FLUX}, family=family)
    with Session(host) as target:
        assert host.held[OPTION] == first
        request = target.request(override_settings={"sd_model_checkpoint": FLUX})
        assert request["override_settings"][OPTION] == SET
    assert host.held == {OPTION: SET, "sd_model_checkpoint": FLUX}
