"""Requests of every kind that panel and API can send, and what is right for each, by the published tables alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from .server import PROJECT

sys.path.insert(0, str(PROJECT / "tests"))

from live.added_sampling import TCD
from live.published import SAMPLER, SCHEDULER, VARIANTS, Variant, best, clamped, tag

SD15, SDXL, SD21, LIGHTNING = "miniature-sd15", "miniature-sdxl", "miniature-sd21", "miniature-sdxl-lightning"
PRESENT = frozenset(variant.name for variant in VARIANTS)
SLIDER_STEPS = 5
PAGE = {"steps": SLIDER_STEPS, "cfg_scale": 7.0, "sampler_name": "Euler a", "scheduler": "Karras"}
"""A page's settings, of which no recipe keeps any."""
HIRES = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "None", "denoising_strength": 0.55}
PANEL = {
    **dict.fromkeys(("lora", "steps", "weight"), "auto"),
    **dict.fromkeys(("cfg", "distilled_cfg"), "clamp"),
    **dict.fromkeys(("sampler", "scheduler"), "auto"),
    "hires": "tune",
    **dict.fromkeys(("hires_steps", "hires_denoise", "hires_scale", "hires_upscaler", "eta", "apply"), "auto"),
}
"""The panel's components in the contract's order, after `enabled`, with their defaults."""
STOPPED = "The generation was stopped, as Settings > Hyper-SD asks."
ETA_SEVERAL = 0.3


@dataclass(frozen=True)
class Ask:
    """One request and what is right for it.

    `lora` and `weight` are the one LoRA that has to be in the weights, `own` the extension's infotext fields that
    have to be there and words that each has to hold, `values` the host's infotext fields that the recipe decides.
    """

    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    hypersd: Mapping[str, Any] | None = None
    """The API object; None leaves it out."""
    by_panel: bool = False
    """Sent as the panel's values, by position."""
    img2img: bool = False
    checkpoint: str = SD15
    lora: str | None = None
    weight: float = 1.0
    own: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    stopped: bool = False

    @property
    def loaded(self) -> tuple[str, float] | None:
        """The LoRA that the weights hold while it draws."""
        return (self.lora, self.weight) if self.lora else None

    def args(self) -> list[Any] | None:
        """The script's arguments, or None where the request has none."""
        if self.hypersd is None:
            return None
        if not self.by_panel:
            return [dict(self.hypersd)]
        texts = [self.hypersd.get(key, default) for key, default in PANEL.items()]
        return [self.hypersd.get("enabled", True), *map(str, texts)]

    def overrides(self) -> dict[str, Any]:
        """The options that this request brings along, its checkpoint among them."""
        given = self.fields.get("override_settings", {})
        return given if self.checkpoint == SD15 else {**given, "sd_model_checkpoint": self.checkpoint}


def requests(count: int) -> list[Ask]:
    """So many different requests, each kind as often as any other; the same ones each time."""
    return [_numbered(KINDS[number % len(KINDS)](Random(number)), number) for number in range(count)]


def _numbered(ask: Ask, number: int) -> Ask:
    shape = Random(number).choice(("circle", "square", "star"))
    prompt = f"a red {shape} on a green background{ask.fields.get('prompt', '')}"
    return Ask(**{**vars(ask), "fields": {**PAGE, **ask.fields, "prompt": prompt, "seed": number}})


def _applied(
    kind: str, variant: Variant, hypersd: Mapping[str, Any] | None, fields: Mapping[str, Any] | None = None, **more: Any
) -> Ask:
    """A request that gets this file's recipe, as far as `more` does not say otherwise."""
    steps = (hypersd or {}).get("steps", variant.steps)
    unified = variant.steps == 1
    values = {
        "Steps": SLIDER_STEPS if steps == "keep" else variant.steps if steps == "auto" else steps,
        "CFG scale": clamped((fields or {}).get("cfg_scale", PAGE["cfg_scale"]), variant.cfg),
        "Sampler": TCD if unified else SAMPLER,
        "Schedule type": TCD if unified else SCHEDULER,
        **more.pop("values", {}),
    }
    weight = more.pop("weight", variant.weight)
    own = {"Hyper-SD": variant.name, "Hyper-SD weight": f"{weight:g}", "Hyper-SD changes": "", **more.pop("own", {})}
    if values["Sampler"] == TCD:
        eta = (hypersd or {}).get("eta", 1 if values["Steps"] == 1 else ETA_SEVERAL)
        own = {"Hyper-SD notice": "is this extension's own", "Hyper-SD eta": f"{eta:g}", **own}
    return Ask(kind, fields or {}, hypersd, lora=variant.name, weight=weight, own=own, values=values, **more)


def _best(steps: int | None, family: str = "sd15") -> Variant:
    found = best(family, PRESENT, steps)
    assert found is not None
    return found


_UNCHANGED = {"Steps": SLIDER_STEPS, "CFG scale": 7.0, "Sampler": "Euler a", "Schedule type": "Karras"}
_SD15 = [variant for variant in VARIANTS if variant.family == "sd15"]
_FEW = [variant for variant in _SD15 if variant.steps in (2, 4) and variant.kind == "plain"]


def _untouched(rng: Random) -> Ask:
    return Ask("untouched", values=_UNCHANGED)


def _off(rng: Random) -> Ask:
    asked = rng.choice(({"enabled": False}, {"enabled": False, "steps": 4, "lora": "auto"}))
    return Ask("off", hypersd=asked, by_panel=rng.random() < 0.5, values=_UNCHANGED)


def _steps(rng: Random) -> Ask:
    steps = rng.choice((None, 1, 2, 3, 4, 6, 8, 12))
    asked: dict[str, Any] = {} if steps is None else {"steps": steps}
    own = {"Hyper-SD notice": "are far from the"} if steps in (3, 6) and _is_far(steps) else {}
    return _applied("steps", _best(steps), asked, by_panel=rng.random() < 0.5, own=own)


def _is_far(steps: int) -> bool:
    trained = _best(steps).steps
    return not 0.75 * trained <= steps <= 1.5 * trained


def _named_file(rng: Random) -> Ask:
    variant, weight = rng.choice(_SD15), rng.choice((0.25, 0.5, 0.8, 1.0, 1.25, 2.0, -1.0))
    far = {} if 0.5 <= weight <= 1.5 else {"Hyper-SD notice": f"Weight {weight:g} is far from 1"}
    asked = {"lora": variant.name, "weight": weight}
    return _applied("named file", variant, asked, by_panel=rng.random() < 0.5, weight=weight, own=far)


def _cfg(rng: Random) -> Ask:
    variant, policy = rng.choice(_FEW), rng.choice(("clamp", "recipe", "keep", 1.25, 6.0))
    mine = rng.choice((1.0, 1.3, 4.0))
    cfg = {"clamp": clamped(mine, variant.cfg), "recipe": 1.0, "keep": mine}.get(str(policy), policy)
    burnt = {"Hyper-SD notice": f"CFG {cfg:g} is outside the recipe's 1–1.5"} if float(cfg) > 1.5 else {}
    asked = {"lora": variant.name, "cfg": policy}
    return _applied(
        "CFG", variant, asked, {"cfg_scale": mine}, by_panel=rng.random() < 0.5, values={"CFG scale": cfg}, own=burnt
    )


def _sampling(rng: Random) -> Ask:
    variant, sampler = rng.choice(_FEW), rng.choice(("keep", "Heun", "DPM++ 2M"))
    taken = PAGE["sampler_name"] if sampler == "keep" else sampler
    notice = {"Hyper-SD notice": f"Sampler {taken} is not the recipe's Euler"}
    asked = {"lora": variant.name, "sampler": sampler}
    return _applied("sampling", variant, asked, values={"Sampler": taken}, own=notice)


def _eta(rng: Random) -> Ask:
    variant, eta = rng.choice(_FEW), rng.choice((0.0, 0.3, 0.65, 1.0))
    asked = {"lora": variant.name, "sampler": TCD, "eta": eta}
    return _applied("eta", variant, asked, values={"Sampler": TCD, "Schedule type": TCD})


def _unified(rng: Random) -> Ask:
    """The same sampler, with the eta that comes by itself."""
    steps = rng.choice((1, 2, 4, 8))
    return _applied("unified", _best(1), {"lora": _best(1).name, "steps": steps})


def _keep(rng: Random) -> Ask:
    asked = {"steps": "keep", "cfg": "keep", "sampler": "keep", "scheduler": "keep"}
    return _applied("keep", _best(None), asked, values=_UNCHANGED, own={"Hyper-SD notice": "expect noise or blur"})


def _alias(rng: Random) -> Ask:
    steps, weight = rng.choice((2, 4, 8)), rng.choice((None, 0.6, 1.1))
    written = f" <lora:hyper-sd15-{steps}steps{'' if weight is None else f':{weight}'}>"
    return _applied("alias", _best(steps), None, {"prompt": written}, weight=weight or 1.0)


def _alias_unheard(rng: Random) -> Ask:
    """The option says that tags mean nothing: the host has no such file, and Forge and A1111 draw without a LoRA."""
    options = {"override_settings": {"hypersd_prompt_tags": "none"}}
    return Ask("alias unheard", {"prompt": " <lora:Hyper-SD15-2steps>", **options}, values=_UNCHANGED)


def _full_name(rng: Random) -> Ask:
    """With the panel off a file's own name is the host's business."""
    variant, weight = rng.choice(_FEW), rng.choice((0.5, 1.0))
    typed = {"prompt": f" {tag(variant.name, weight)}"}
    return Ask("full name", typed, lora=variant.name, weight=weight, values=_UNCHANGED)


def _typed_weight(rng: Random) -> Ask:
    variant, weight = rng.choice(_FEW), rng.choice((0.7, 0.9))
    return _applied(
        "typed weight", variant, {"steps": 8}, {"prompt": f" {tag(variant.name, weight)}"}, weight=weight,
        own={"Hyper-SD notice": "8 steps are far from"},
    )  # fmt: skip


def _hires(rng: Random) -> Ask:
    variant = rng.choice(_FEW)
    always = rng.random() < 0.5
    fields = {} if always else {**HIRES, "denoising_strength": rng.choice((0.3, 0.55, 0.7))}
    asked = {"lora": variant.name, "hires": "always" if always else "tune"}
    return _applied("hires", variant, asked, fields, by_panel=rng.random() < 0.5, values={"Hires upscale": 1.5})


def _negative(rng: Random) -> Ask:
    variant = rng.choice(_FEW)
    told = {"Hyper-SD notice": "The negative prompt has no effect at CFG 1."}
    return _applied("negative", variant, {"lora": variant.name}, {"negative_prompt": "blue, blur"}, own=told)


def _batch(rng: Random) -> Ask:
    variant = rng.choice(_FEW)
    several = {"batch_size": rng.choice((1, 2, 3)), "n_iter": rng.choice((1, 2))}
    return _applied("batch", variant, {"lora": variant.name}, several, by_panel=rng.random() < 0.5)


def _bypass(rng: Random) -> Ask:
    """Beside the layers: there is no LoRA in the host's weights."""
    variant, weight = rng.choice(_FEW), rng.choice((0.8, "1@0,0.5@1", "0.2@0,1@0.5,1@1"))
    asked = {"lora": variant.name, "weight": weight, "apply": rng.choice(("bypass", "auto"))}
    if not isinstance(weight, str):
        asked["apply"] = "bypass"
    own = {"Hyper-SD applied": "bypass", "Hyper-SD weight": str(weight)}
    return replace(_applied("bypass", variant, asked, by_panel=rng.random() < 0.5, own=own), lora=None)


_BAD: tuple[tuple[dict[str, Any], str], ...] = (
    ({"bogus": 1}, "bogus"),
    ({"steps": 99}, "steps is 99"),
    ({"steps": "many"}, "steps is"),
    ({"weight": 3}, "weight is 3"),
    ({"weight": "1@2"}, "weight is 1@2"),
    ({"apply": "merge"}, "apply is merge"),
    ({"cfg": None}, "cfg is"),
    ({"enabled": 1}, "enabled is 1"),
    ({"lora": "no-such-lora"}, "no-such-lora"),
    ({"sampler": "No such sampler"}, "No such sampler"),
    ({"eta": -0.1}, "eta is -0.1"),
)


def _bad(rng: Random) -> Ask:
    asked, word = rng.choice(_BAD)
    return Ask("bad", hypersd=asked, values=_UNCHANGED, own={"Hyper-SD error": word})


def _other_family(rng: Random) -> Ask:
    name = rng.choice(("Hyper-SDXL-8steps-lora", "Hyper-SD3-4steps-CFG-lora", "Hyper-FLUX.1-dev-8steps-lora"))
    told = {"Hyper-SD notice": f"{name} is for"}
    return Ask("other family", hypersd={"lora": name}, values=_UNCHANGED, own=told)


def _stopped(rng: Random) -> Ask:
    options = {"override_settings": {"hypersd_stop": True}}
    told = {"Hyper-SD notice": STOPPED}
    return Ask("stopped", options, {"lora": "Hyper-SDXL-8steps-lora"}, own=told, stopped=True, values=_UNCHANGED)


def _sdxl(rng: Random) -> Ask:
    steps = rng.choice((1, 2, 4, 8))
    return _applied("SDXL", _best(steps, "sdxl"), {"steps": steps}, by_panel=rng.random() < 0.5, checkpoint=SDXL)


def _wrong_checkpoint(rng: Random) -> Ask:
    checkpoint, word = rng.choice(((SD21, "there is no Hyper-SD LoRA"), (LIGHTNING, "is distilled already")))
    return Ask("wrong checkpoint", hypersd={}, checkpoint=checkpoint, values=_UNCHANGED, own={"Hyper-SD notice": word})


def _policy(rng: Random) -> Ask:
    weight = rng.choice((0.8, 0.9))
    options = {"hypersd_policy_sd15": ["keep steps"], "hypersd_recipes": f"sd15: weight {weight}"}
    fields = {"override_settings": options, "steps": 3}
    return _applied(
        "preferences", _best(None), {}, fields, weight=weight, values={"Steps": 3}, own={"Hyper-SD notice": "far from"}
    )


def _img2img(rng: Random) -> Ask:
    variant = rng.choice(_FEW)
    return _applied("img2img", variant, {"lora": variant.name}, {"denoising_strength": 0.6}, img2img=True)


KINDS: tuple[Callable[[Random], Ask], ...] = (
    _untouched,
    _off,
    _steps,
    _named_file,
    _cfg,
    _sampling,
    _eta,
    _unified,
    _keep,
    _alias,
    _alias_unheard,
    _full_name,
    _typed_weight,
    _hires,
    _negative,
    _batch,
    _bypass,
    _bad,
    _other_family,
    _stopped,
    _sdxl,
    _wrong_checkpoint,
    _policy,
    _img2img,
)
