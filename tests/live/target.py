"""The WebUI under test: what it has, and how a scenario asks it for pictures and plans."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from .bound_samplers import INFOTEXT_FIELDS, REQUEST_FIELDS, Pair, bound_samplers, taken_apart
from .client import Client, Drawn, Infotext, Plan, Reply
from .input_pictures import gradient, left_half
from .modules import HIRES_FIELD, HostModules
from .published import BY_NAME, VARIANTS, Variant, best
from .scenario import SkippedError

TITLE = "Hyper-SD"
TXT2IMG, IMG2IMG = "StableDiffusionProcessingTxt2Img", "StableDiffusionProcessingImg2Img"
STOCK_STEPS = 3
# Words in a checkpoint's name that say its family, for hosts with several.
FAMILY_WORDS = {
    "sd15": ("sd15", "v1-5", "sd-v1"),
    "sd21": ("sd21", "v2-1"),
    "sdxl": ("sdxl", "sd_xl"),
    "sd3": ("sd3",),
    "mugen": ("mugen",),
    "flux": ("flux",),
}
SPECIAL_WORDS = ("turbo", "lightning", "lcm", "schnell", "dmd", "hyper", "1step", "refiner", "nf4", "rectified")
INFOTEXT_TO_REQUEST = {
    "Steps": ("steps", int),
    "Sampler": ("sampler_name", str),
    "Schedule type": ("scheduler", str),
    "CFG scale": ("cfg_scale", float),
    "Distilled CFG Scale": ("distilled_cfg_scale", float),
    "Seed": ("seed", int),
    "Denoising strength": ("denoising_strength", float),
    "Hires upscale": ("hr_scale", float),
    "Hires upscaler": ("hr_upscaler", str),
    "Hires steps": ("hr_second_pass_steps", int),
    "Hires sampler": ("hr_sampler_name", str),
    "Hires schedule type": ("hr_scheduler", str),
    "Hires CFG Scale": ("hr_cfg", float),
    "Hires Distilled CFG Scale": ("hr_distilled_cfg", float),
    "Hires prompt": ("hr_prompt", str),
    "Hires negative prompt": ("hr_negative_prompt", str),
}


class Target:
    """Everything a scenario needs to know and do. Pictures of equal requests are drawn once."""

    def __init__(self, client: Client, size: int = 64, modules: Sequence[str] = ()) -> None:
        self.client = client
        self.size = size
        self._given_modules = modules
        self._drawn: dict[str, Drawn] = {}
        self.pictures_asked = 0

    # What the target has.

    @cached_property
    def status(self) -> dict[str, Any]:
        return self.client.get("/hypersd/v1/status")

    @cached_property
    def request_fields(self) -> dict[str, frozenset[str]]:
        schemas = self.client.get("/openapi.json")["components"]["schemas"]
        return {name: frozenset(schemas[name]["properties"]) for name in (TXT2IMG, IMG2IMG)}

    def has_field(self, name: str) -> bool:
        """Whether a request may have it; schedule types go into the sampler's name where the host has none."""
        known = self.request_fields[TXT2IMG]
        return name in known or dict(map(reversed, REQUEST_FIELDS)).get(name) in known

    @cached_property
    def has_schedule_types(self) -> bool:
        return "scheduler" in self.request_fields[TXT2IMG]

    def need_schedule_types(self) -> None:
        if not self.has_schedule_types:
            raise SkippedError("the host has no schedule types")

    @cached_property
    def _bound(self) -> dict[Pair, str]:
        return bound_samplers(self.samplers)

    def spelled(self, sampler: str, schedule: str) -> Pair:
        """Sampler and schedule type as the extension takes them here; "auto" for what the sampler brings."""
        if self.has_schedule_types:
            return sampler, schedule
        if (sampler, schedule) not in self._bound:
            raise SkippedError(f"the host has no sampler that is {sampler} on {schedule}")
        return self._bound[sampler, schedule], "auto"

    @cached_property
    def checkpoints(self) -> dict[str, str]:
        """Model name to the title that `sd_model_checkpoint` takes."""
        return {model["model_name"]: model["title"] for model in self.client.get("/sdapi/v1/sd-models")}

    @cached_property
    def loras(self) -> frozenset[str]:
        return frozenset(lora["name"] for lora in self.client.get("/sdapi/v1/loras"))

    @cached_property
    def samplers(self) -> frozenset[str]:
        return frozenset(sampler["name"] for sampler in self.client.get("/sdapi/v1/samplers"))

    @cached_property
    def upscaler(self) -> str:
        """An upscaler that the host lists, and not "None" if there is any other."""
        latent, others = (self.client.get(f"/sdapi/v1/{name}") for name in ("latent-upscale-modes", "upscalers"))
        return next((str(mode["name"]) for mode in latent), str(others[-1]["name"]))

    @cached_property
    def modules(self) -> HostModules:
        """What the host loads beside a checkpoint."""
        return HostModules.of(self.options(), self._given_modules)

    @cached_property
    def family(self) -> str:
        return str(self.status["family"])

    @cached_property
    def is_a1111(self) -> bool:
        """A1111 evaluates the negative prompt at CFG 1; leaving it out may move a value by one."""
        return not any(name in str(self.status["host"]).lower() for name in ("forge", "neo", "classic"))

    @property
    def tolerance(self) -> int:
        """How far (of 255) a picture by hand may be from the extension's."""
        return 1 if self.is_a1111 else 0

    @cached_property
    def best(self) -> Variant:
        """The file that "auto" means for the checkpoint that is selected."""
        found = best(self.family, self.loras)
        if found is None:
            raise SkippedError(f"no Hyper-SD LoRA for {self.family} on the target")
        return found

    @cached_property
    def quick(self) -> Variant:
        """A plain file of few steps: what pictures are drawn with where any file will do.

        Not the one for 1 step, whose recipe is another one.
        """
        for_one_step = {variant.name for variant in VARIANTS if variant.steps == 1}
        found = best(self.family, self.loras - for_one_step, steps=2, kind="plain")
        if found is None:
            raise SkippedError(f"no plain Hyper-SD LoRA of 2 or more steps for {self.family} on the target")
        return found

    def variant(self, name: str) -> Variant:
        """A published file that must be on the target."""
        if name not in self.loras:
            raise SkippedError(f"{name} is not on the target")
        return BY_NAME[name]

    def need_family(self, *families: str) -> None:
        if self.family not in families:
            raise SkippedError(f"the selected checkpoint is {self.family}, not {' or '.join(families)}")

    def need_field(self, name: str) -> None:
        if not self.has_field(name):
            raise SkippedError(f"the host's txt2img has no field {name}")

    def checkpoint(self, family: str, word: str = "") -> str:
        """The title of a checkpoint of this family; `word` names a special kind ("lightning"), "" a plain one."""
        for name, title in self.checkpoints.items():
            lowered = name.lower()
            if not any(w in lowered for w in FAMILY_WORDS[family]):
                continue
            special = [w for w in SPECIAL_WORDS if w in lowered]
            if (word in special) if word else not special:
                return title
        raise SkippedError(f"no {(word + ' ') if word else ''}{family} checkpoint on the target")

    # What can be asked of it.

    def request(self, **fields: Any) -> dict[str, Any]:
        """A small stock-like txt2img request; `hypersd` is the extension's object, `args` its whole list."""
        request: dict[str, Any] = {
            "prompt": "a red circle on a green background",
            "negative_prompt": "",
            "seed": 7,
            "subseed": 7,
            "steps": STOCK_STEPS,
            "cfg_scale": 7.0,
            "sampler_name": "Euler a",
            "scheduler": "Karras",
            "width": self.size,
            "height": self.size,
            "save_images": False,
            "do_not_save_samples": True,
            "do_not_save_grid": True,
        }
        if "hypersd" in fields:
            fields["args"] = [self.wish(fields.pop("hypersd"))]
        if "args" in fields:
            fields["alwayson_scripts"] = {TITLE: {"args": fields.pop("args")}}
        if not self.has_schedule_types:
            fields = self._bound_fields(fields)
            del request["scheduler"]
        request |= fields
        return self.modules.completed(request, has_hires_field=self.has_field(HIRES_FIELD))

    def wish(self, hypersd: Any) -> Any:
        """The extension's object as this host can have it."""
        named = isinstance(hypersd, dict) and hypersd.get("scheduler", "auto") not in ("auto", "keep")
        if self.has_schedule_types or not named or not isinstance(hypersd["scheduler"], str):
            return hypersd
        known = {schedule for _, schedule in self._bound}
        if hypersd["scheduler"] not in known or "sampler" not in hypersd:
            return hypersd  # the extension's to refuse
        sampler, schedule = self.spelled(hypersd["sampler"], hypersd["scheduler"])
        return hypersd | {"sampler": sampler, "scheduler": schedule}

    def _bound_fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        bound = {k: v for k, v in fields.items() if k not in ("scheduler", "hr_scheduler")}
        for sampler, schedule in REQUEST_FIELDS:
            wanted = fields.get(schedule)
            if wanted not in (None, "Automatic"):
                bound[sampler] = self.spelled(fields.get(sampler) or "Euler a", wanted)[0]
        return bound

    def draw(self, *, fresh: bool = False, **fields: Any) -> Drawn:
        """txt2img."""
        return self._draw("/sdapi/v1/txt2img", self.request(**fields), fresh)

    def draw_over(self, *, fresh: bool = False, mask: bool = False, **fields: Any) -> Drawn:
        """img2img over a fixed picture; with a mask over its left half (inpaint)."""
        images = {"init_images": [gradient(self.size)], "denoising_strength": 0.55}
        if mask:
            images |= {"mask": left_half(self.size), "mask_blur": 0, "inpainting_fill": 1}
        return self._draw("/sdapi/v1/img2img", self.request(**(images | fields)), fresh)

    def draw_infotext(self, infotext: Infotext, **fields: Any) -> Drawn:
        """What a stock host draws from a pasted infotext: its fields by hand, this extension off."""
        return self.draw(hypersd={"enabled": False}, **(self.pasted(infotext) | fields))

    def draw_by_infotext_field(self, drawn: Drawn) -> Drawn:
        """What the host itself draws from an infotext, by its API's field of that name."""
        request = {"infotext": drawn.infotext.text, "save_images": False, "do_not_save_samples": True}
        return self._read(self.client.post("/sdapi/v1/txt2img", request))

    def pasted(self, infotext: Infotext) -> dict[str, Any]:
        """The request that an infotext describes."""
        width, height = infotext.fields["Size"].split("x")
        request: dict[str, Any] = {
            "prompt": infotext.prompt,
            "negative_prompt": infotext.negative_prompt,
            "width": int(width),
            "height": int(height),
            "scheduler": "Automatic",
        }
        for name, (key, kind) in INFOTEXT_TO_REQUEST.items():
            if name in infotext.fields and self.has_field(key):
                request[key] = kind(infotext.fields[name])
        if "Hires upscale" in infotext.fields:
            request["enable_hr"] = True
        return request

    def try_to_draw(self, **fields: Any) -> Reply:
        """txt2img whose status is looked at."""
        return self.client.send("POST", "/sdapi/v1/txt2img", self.request(**fields))

    def _draw(self, path: str, request: dict[str, Any], fresh: bool) -> Drawn:
        key = path + json.dumps(request, sort_keys=True)
        if fresh or key not in self._drawn:
            self.pictures_asked += 1
            reply = self.client.send("POST", path, request)
            if reply.status != 200:
                raise self._failure(request, f"POST {path} answered {reply.status}: {reply.text[:300]}")
            self._drawn[key] = self._read(reply.json())
        return self._drawn[key]

    def _failure(self, request: Mapping[str, Any], message: str) -> Exception:
        """Why there is no picture: the host's own matter where it can't generate on a checkpoint that the request names
        without this extension either, and can on the selected one."""
        named = request.get("override_settings", {}).get("sd_model_checkpoint"), request.get("hr_checkpoint_name")
        for title in filter(None, named):
            on = {"override_settings": {"sd_model_checkpoint": title}}
            stock = self.try_to_draw(hypersd={"enabled": False}, **on)
            if stock.status != 200 and self.try_to_draw(hypersd={"enabled": False}).status == 200:
                return SkippedError(f"the host itself answers {stock.status} on {title}: {stock.text[:200]}")
        return AssertionError(message)

    def _read(self, answer: Mapping[str, Any]) -> Drawn:
        drawn = Drawn.read(answer)
        if self.has_schedule_types:
            return drawn
        texts = (replace(i, fields=taken_apart(i.fields, INFOTEXT_FIELDS, self._bound)) for i in drawn.infotexts)
        return replace(drawn, infotexts=tuple(texts))

    def plan(self, hypersd: object = None, **fields: Any) -> Plan:
        """What the extension would do; None leaves the object out."""
        reply = self.try_to_plan(hypersd, **fields)
        if reply.status != 200:
            raise AssertionError(f"plan answered {reply.status}: {reply.text[:300]}")
        plan = Plan.read(reply.json())
        if self.has_schedule_types:
            return plan
        return replace(plan, values=taken_apart(plan.values, REQUEST_FIELDS, self._bound))

    def try_to_plan(self, hypersd: object = None, **fields: Any) -> Reply:
        body = self.request(**fields)
        if hypersd is not None:
            body["hypersd"] = self.wish(hypersd)
        return self.client.send("POST", "/hypersd/v1/plan", body)

    def options(self) -> dict[str, Any]:
        return self.client.get("/sdapi/v1/options")

    @cached_property
    def settings_page(self) -> dict[str, Any]:
        """Option name to the value in the page's Settings when the WebUI was started."""
        named = ((str(c["props"].get("elem_id")), c["props"]) for c in self.client.get("/config")["components"])
        return {name.removeprefix("setting_"): p.get("value") for name, p in named if name.startswith("setting_")}

    def option_value(self, name: str) -> Any:
        """An option's value; by the page's Settings where the API lists no options that come with scripts."""
        told = self.options()
        if name not in told and name not in self.settings_page:
            raise SkippedError(f"the host has no option {name}")
        return told[name] if name in told else self.settings_page[name]

    @contextlib.contextmanager
    def option(self, name: str, value: object) -> Iterator[None]:
        """Set one option of the host for a while."""
        before = self.option_value(name)
        self.client.post("/sdapi/v1/options", {name: value})
        self._drawn.clear()
        try:
            yield
        finally:
            self.client.post("/sdapi/v1/options", {name: before})
            self._drawn.clear()

    def comments_on(self) -> contextlib.AbstractContextManager[None]:
        """Comments taken out of prompts for a while; reForge does so always."""
        if "enable_prompt_comments_def" in self.settings_page:
            return contextlib.nullcontext()
        return self.option("enable_prompt_comments", True)
