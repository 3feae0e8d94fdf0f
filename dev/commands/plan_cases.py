"""Random plans: a request, settings, preferences, checkpoints and files, drawn gene by gene, and the promises
that hold for each of them.

A case is a dict of genes, so that one that breaks a promise can be made small: gene after gene is put back to its
default, as long as the promise stays broken.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any

from lib_hypersd.models.catalog import BY_NAME, Family
from lib_hypersd.models.checkpoint import Checkpoint, describe
from lib_hypersd.models.lora_index import LoraIndex, RegisteredLora
from lib_hypersd.panel.paste import panel_eta, panel_value
from lib_hypersd.plan.draft import Inputs
from lib_hypersd.plan.infotext import entries
from lib_hypersd.plan.make import make_plan, plan_for_own_sampling, plan_for_tags
from lib_hypersd.plan.result import FIELD_TITLES, PROMPT_FIELDS, Plan
from lib_hypersd.request.preferences import Preferences, policies_of
from lib_hypersd.request.prompt_tags import find_tags
from lib_hypersd.request.request import HostTraits, Request
from lib_hypersd.request.settings import KEYS, Settings, from_positional
from lib_hypersd.request.tag_rule import TagRule, meaning_of
from lib_hypersd.sampling.names import AUTOMATIC, BOUND, ONE_STEP_UNET, SCHEDULES, TCD

Case = dict[str, Any]
Draw = Callable[[Random], Any]

# Genes ---------------------------------------------------------------------------------------------------------

_TRAITS = {field.name for field in fields(HostTraits)}
_FIELDS = tuple(name for name in FIELD_TITLES if name not in PROMPT_FIELDS)
_CHECKPOINTS: dict[str, Checkpoint] = {
    "sd15": describe("dreamshaper_8", "sd15"),
    "sdxl": describe("sd_xl_base_1.0", "sdxl"),
    "other sdxl": describe("other_xl", "sdxl"),
    "sdxl flow": describe("rectified-xl", "sdxl", uses_shift=True),
    "sdxl turbo": describe("some_turbo_4step", "sdxl"),
    "sdxl unet": describe("Hyper-SDXL-1step-Unet", "sdxl"),
    "lightning unet": describe("sdxl_lightning_1step_unet_x0", "sdxl"),
    "flux": describe("flux1-dev", "flux-dev"),
    "flux nf4": describe("flux1-dev-bnb-nf4", "flux-dev"),
    "flux fill": describe("flux1-fill-dev", "flux-dev"),
    "flux dedistilled": describe("flux-dev-dedistilled", "flux-dev"),
    "flux schnell": describe("flux1-schnell", "flux-schnell"),
    "sd3": describe("sd3_medium", "sd3"),
    "sd2": describe("sd21", "sd2"),
    "mugen": describe("mugen", "mugen"),
    "unknown": describe("old_model", "unknown"),
}
_WORDS = (
    "a cat", "<lora:Hyper-SD15>", "<lora:Hyper-SD15-4steps:0.8>", "<lora:Hyper-SD15-8steps-lora:1>", "<lora:x:1>",
    "# note", "\n", "AND", "BREAK", "<lora:Hyper-SDXL>", "<lora:Hyper-SDXL-4steps-lora:0.7>", "(a:1.2)", "<lora:",
    "<lora:Hyper-SD15-2steps-lora>", "<lora:Hyper-SD15-12steps-CFG:te=1:unet=0.5>", "/* b */", "// c", "*/", "#",
    "<lora:Hyper-SDXL-8steps-lora:0.5@0,1@0.5>", "<lora:Hyper-SD15-8steps-lora:abc>", "<lyco:Hyper-SDXL-8steps-lora:1>",
    "<lora:Hyper-FLUX:0.1>", "<lora:Hyper-FLUX.1-dev-8steps-lora:0.2:hr=0.1>", "<lora:sdxl_lightning_4step_lora:1>",
    "<lora:Hyper_Realistic_v2:0.8>", "<lora:speed/Hyper-SD15-8steps-lora:1>", "<lora:my-hyper-sd15-6steps:0.9>",
)  # fmt: skip
_FILES: dict[str, tuple[str, ...]] = {
    "all": tuple(BY_NAME),
    "few": ("Hyper-SD15-8steps-lora", "Hyper-SDXL-8steps-CFG-lora", "Hyper-SDXL-1step-lora", "x"),
    "others": ("sdxl_lightning_4step_lora", "lcm-lora-sdxl", "my-hyper-sd15-6steps", "fast-one", "Hyper_Realistic_v2",
               "Hyper-SD15-1step-lora", "Hyper-SDXL-4steps-lora", "Hyper-FLUX.1-dev-16steps-lora"),
    "none": (),
}  # fmt: skip
_FAMILIES: tuple[Family, ...] = ("sd15", "sdxl", "sd3", "flux")
_LINES = (
    "sd15: cfg 1.2", "sdxl: weight 0.8, range 1-2", "sdxl cfg: cfg 4, range 2.5-5", "flux: distilled 3", "sd3 8: cfg 4",
    "Hyper-SD15-8steps-lora: range 1.1-1.3", "Hyper-SDXL-4steps-lora: weight 0.3", "flux nf4: distilled range 2-4",
)  # fmt: skip


def _prompts(random: Random) -> list[list[str]]:
    """The words of each prompt of a batch."""
    return [random.choices(_WORDS, k=random.randrange(5)) for _ in range(random.choice((1, 1, 2)))]


def _some(*values: Any) -> Draw:
    return lambda random: random.sample(values, random.randrange(min(4, len(values)) + 1))


def _one(*values: Any) -> Draw:
    return lambda random: random.choice(values)


def _strength(random: Random) -> float:
    return random.choice((random.random(), random.randrange(101) / 100))


_SAMPLERS = ("Euler", "Euler a", "DPM++ 2M", "LCM", TCD)
_GENES: dict[str, tuple[Any, Draw]] = {
    "by": ("settings", _one("settings", "settings", "settings", "tags", "nobody")),
    "files": ("all", _one(*_FILES)),
    "checkpoint": ("sd15", _one(*_CHECKPOINTS)),
    "hr_checkpoint": (None, _one(None, *_CHECKPOINTS)),
    "by_name": (True, _one(True, False)),
    "ticked": ([], _some(*((family, word) for family in _FAMILIES for word in policies_of(family)))),
    "lines": ([], _some(*_LINES)),
    "storage": (None, _one(None, "nf4", "fp8", "fp16")),
    # The request
    "prompts": ([["a cat"]], _prompts),
    "hr_prompts": ([["a cat"]], _prompts),
    "own_hr_prompt": ([], lambda random: random.choices(_WORDS, k=random.randrange(3))),
    "mode": ("txt2img", _one("txt2img", "txt2img", "img2img")),
    "enable_hr": (False, _one(False, True)),
    "explicit": ([], _some(*_FIELDS)),
    "steps": (20, lambda random: random.choice((random.randint(1, 60), 4, 8))),
    "cfg_scale": (7.0, _one(1.0, 1.3, 3.0, 5.0, 7.0)),
    "sampler_name": ("DPM++ 2M", _one(*_SAMPLERS, "Euler SGMUniform", "Euler A SGMUniform")),
    "scheduler": ("Automatic", _one("Automatic", "Karras", "Simple", "SGM Uniform", TCD, ONE_STEP_UNET)),
    "distilled_cfg_scale": (None, _one(None, 3.0, 3.5, 9.0)),
    "denoising_strength": (0.55, _strength),
    "hr_scale": (2.0, _one(1.5, 2.0)),
    "hr_upscaler": (None, _one(None, "Latent", "None")),
    "hr_second_pass_steps": (0, _one(0, 3, 5, 20)),
    "hr_cfg": (None, _one(None, -1.0, 0.0, 1.0, 7.0)),
    "hr_distilled_cfg": (None, _one(None, 3.0, 9.0)),
    "hr_sampler_name": (None, _one(None, *_SAMPLERS)),
    "hr_scheduler": (None, _one(None, "Automatic", "Karras", TCD, ONE_STEP_UNET)),
    "hires_obstacle": (None, _one(None, "a resize by pixels is set")),
    "negative_prompt": (False, _one(False, True)),
    "hr_negative_prompt": (False, _one(False, True)),
    "refiner": (False, _one(False, True)),
    "noise_levels": (None, _one(None, 1000, 999)),
    "flow": (None, _one(None, None, True, False)),
    "standing_lora": (None, _one(None, "Hyper-SD15-4steps-lora", "Hyper-SDXL-4steps-lora", "x")),
    # The host
    "schedule_types": (True, _one(True, True, False)),
    "bound": (True, _one(True, False)),
    "owns_names": (True, _one(True, True, False)),
    "comments": ("hash", _one("none", "hash", "c")),
    "comments_stay_in_hires": (False, _one(False, True)),
    "hr_cfg_zero_is_same": (False, _one(False, True)),
    "img2img_fixed_steps": (False, _one(False, True)),
    "has_lcm": (True, _one(True, False)),
    "drops_all_loras": (False, _one(False, True)),
    "schedules_weights": (False, _one(False, True)),
    "weights_blocks": (False, _one(False, True)),
    # The settings
    "set lora": ("auto", _one("auto", "none", "Hyper-SD15-2steps-lora", "Hyper-SD15-8steps-CFG-lora", "fast-one", "x",
                              "Hyper-SDXL-4step", "Hyper-SD15-1step-lora", "Hyper-SDXL-8steps-CFG-lora",
                              "lcm-lora-sdxl")),
    "set steps": ("auto", _one("auto", "keep", 1, 2, 3, 4, 6, 8, 16)),
    "set weight": ("auto", _one("auto", 0.5, -1.0, "1@0,0.5@1")),
    "set cfg": ("clamp", _one("clamp", "recipe", "keep", 1.0, 4.0)),
    "set distilled_cfg": ("clamp", _one("clamp", "recipe", "keep", 3.0)),
    "set sampler": ("auto", _one("auto", "keep", *_SAMPLERS)),
    "set scheduler": ("auto", _one("auto", "keep", "Simple", "SGM Uniform", TCD, ONE_STEP_UNET)),
    "set hires": ("tune", _one("tune", "keep", "always")),
    "set hires_steps": ("auto", _one("auto", "keep", 0, 4, 5, 10)),
    "set hires_denoise": ("auto", lambda random: random.choice(("auto", "keep", _strength(random)))),
    "set hires_scale": ("auto", _one("auto", "keep", 2.0)),
    "set hires_upscaler": ("auto", _one("auto", "keep", "Latent")),
    "set eta": ("auto", _one("auto", 0.0, 0.3, 0.7)),
    "set apply": ("auto", _one("auto", "host", "bypass")),
    "set hires_weight": ("auto", _one("auto", 0.25, "0.5@0,0@1")),
}  # fmt: skip
"""Gene → its default, and how another value is drawn."""
DEFAULTS: Case = {name: default for name, (default, _) in _GENES.items()}
_SHARE_DRAWN = (0.1, 0.3, 0.7)
"""Share of the genes that are drawn, one of these for each case: what hides among many values, and among few."""


def draw(random: Random) -> Case:
    share = random.choice(_SHARE_DRAWN)
    drawn = {name: make(random) for name, (_, make) in _GENES.items() if random.random() < share}
    return DEFAULTS | drawn


# From genes to what a plan is made from ------------------------------------------------------------------------


@cache
def _index(files: str) -> LoraIndex:
    """The index of a machine with these files, each a header of one tensor."""
    folder = Path(mkdtemp(prefix="hypersd-plans-"))
    return LoraIndex([_file(folder, name) for name in _FILES[files]])


def _file(folder: Path, name: str) -> RegisteredLora:
    key = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.lora_down.weight"
    context = 2048 if "xl" in name.lower() else 768
    header = json.dumps({key: {"dtype": "F16", "shape": (4, context), "data_offsets": [0, 0]}}).encode()
    path = folder / f"{name}.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    return RegisteredLora(name, name, str(path))


@cache
def _preferences(ticked: tuple[tuple[str, str], ...], lines: tuple[str, ...]) -> Preferences:
    words = {family: [word for of, word in ticked if of == family] for family in _FAMILIES}
    return Preferences.read(words, "\n".join(lines))


def _request(case: Case) -> Request:
    values = {f.name: case[f.name] for f in fields(Request) if f.name in case}
    prompts = tuple(map(" ".join, case["prompts"]))
    listed = frozenset(SCHEDULES) if case["owns_names"] else frozenset()
    traits: dict[str, Any] = {name: case[name] for name in _TRAITS & case.keys()}
    traits |= {"own_samplers": listed & {TCD}, "own_schedules": listed}
    if case["schedule_types"] or not case["bound"]:
        values["sampler_name"] = BOUND.get(case["sampler_name"], (case["sampler_name"],))[0]
    if not case["schedule_types"]:
        values |= {"scheduler": None, "hr_scheduler": None}
        traits |= {"own_samplers": listed, "own_schedules": frozenset()}
        traits["bound_samplers"] = frozenset(BOUND if case["bound"] else ())
    on = case["enable_hr"] and case["mode"] == "txt2img"
    own = [" ".join(words) or "a dog" for words in case["hr_prompts"]]  # an empty one means the first pass's
    hr_prompts = [own[i % len(own)] for i in range(len(prompts))]
    values |= {"prompts": prompts, "main_prompt": prompts[0], "explicit": frozenset(case["explicit"]), "enable_hr": on}
    values |= {"hr_prompts": tuple(hr_prompts) if on else (), "host": HostTraits(**traits)}
    return Request(**values | {"own_hr_prompt": "" if on else " ".join(case["own_hr_prompt"])})


def _settings(case: Case) -> Settings:
    values = {name.removeprefix("set "): value for name, value in case.items() if name.startswith("set ")}
    if not case["schedule_types"] and values["scheduler"] != "keep":
        values["scheduler"] = "auto"
    given = {key: value for key, value in values.items() if value != DEFAULTS[f"set {key}"]}
    return Settings().naming(given) if case["by_name"] else Settings(**given)


def _inputs(case: Case) -> Inputs:
    checkpoint = _CHECKPOINTS[case["checkpoint"]]
    hr_checkpoint = _CHECKPOINTS.get(case["hr_checkpoint"])
    return Inputs(
        _request(case),
        checkpoint,
        _index(case["files"]),
        None if hr_checkpoint is checkpoint else hr_checkpoint,
        _preferences(tuple(case["ticked"]), tuple(case["lines"])),
        storage=case["storage"],
    )


# Promises ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Planned:
    """A case with its plan. `plan` is None where nothing is to be done."""

    case: Case
    inputs: Inputs
    settings: Settings
    plan: Plan | None

    @staticmethod
    def of(case: Case) -> Planned:
        inputs, settings = _inputs(case), _settings(case)
        return Planned(case, inputs, settings, _plan(case, inputs, settings))

    @property
    def result(self) -> Inputs:
        """What the plan is made from, after it."""
        return replace(self.inputs, request=applied(self.inputs.request, self.plan))


def _plan(case: Case, inputs: Inputs, settings: Settings) -> Plan | None:
    if case["by"] == "settings":
        return make_plan(inputs, settings)
    return plan_for_tags(inputs) if case["by"] == "tags" else plan_for_own_sampling(inputs)


def applied(request: Request, plan: Plan | None) -> Request:
    """The request that a plan makes of a request."""
    if plan is None:
        return request
    values = {c.field: c.after for c in plan.settings_changes}
    return replace(request, prompts=plan.prompts, main_prompt=plan.main_prompt, hr_prompts=plan.hr_prompts, **values)


def _is_at_rest(planned: Planned) -> str | None:
    again = _plan(planned.case, planned.result, planned.settings)
    changes, was_active = again.changes if again else (), planned.plan is not None and planned.plan.active
    if changes:
        return f"changed again: {', '.join(map(str, changes))}"
    is_active = again is not None and again.active
    if planned.case["by"] == "tags" and not is_active:
        return None  # the short name that requested the plan was removed: the hires checkpoint has no file for it
    return None if is_active == was_active else f"active {was_active}, then {is_active}"


def _is_held(planned: Planned) -> str | None:
    """An axis's field stays, but for a sampler or schedule type of Hyper-SD's that is not supported."""
    plan = planned.plan
    changes = plan.settings_changes if plan else ()
    held = [c for c in changes if c.field in planned.inputs.request.explicit]
    moved = [c for c in held if c.reason != "can't be used here"]
    return f"changed though held: {', '.join(map(str, moved))}" if moved else None


def _is_tagged_once(planned: Planned) -> str | None:
    plan, host = planned.plan, planned.inputs.request.host
    if plan is None or not plan.active or plan.rule is None or plan.hr_rule is None:
        return None
    for rule, prompts in ((plan.rule, plan.prompts), (plan.hr_rule, plan.hr_prompts)):
        for prompt in prompts:
            count = _own_tags(planned.inputs.index, rule, prompt)
            wanted = {0 if rule.file is None else 1}
            if count not in wanted and not (rule.file is None and host.comments == "none"):
                return f"{count} tags of Hyper-SD in {prompt!r}"
    return None


def _own_tags(index: LoraIndex, rule: TagRule, prompt: str) -> int:
    tags = find_tags(prompt, comments=rule.reader.comments)
    meanings = [meaning_of(tag.name, index, rule.file) for tag in tags]
    if rule.file is None:  # full names are left to the host there
        return sum(meaning.alias is not None for meaning in meanings)
    return sum(meaning.is_full_name or meaning.alias is not None for meaning in meanings)


def _is_pasted(planned: Planned) -> str | None:
    """The infotext, pasted into the panel, has the picture generated again as it is."""
    case, plan, done = planned.case, planned.plan, planned.result
    # Where another extension has the names, the paste can't tell its sampler from Hyper-SD's.
    if plan is None or not plan.active or case["mode"] != "txt2img" or not case["owns_names"]:
        return None
    left_alone = done.hr_checkpoint and plan.hr_rule and plan.hr_rule.file is None
    if left_alone and any(map(find_tags, done.request.hr_prompts)):
        return None  # whether a tag there is for the hires checkpoint is in no infotext
    params = infotext_of(done.request, plan)
    if done.request.enable_hr and done.hr_checkpoint:
        params["Hires checkpoint"] = done.hr_checkpoint.name
    pasted = [panel_eta(params, None) if key == "eta" else panel_value(key, params, done.preferences) for key in KEYS]
    again = make_plan(replace(done, request=replace(done.request, explicit=frozenset())), from_positional(pasted))
    if again.changes:
        return f"pasted, it changes {', '.join(map(str, again.changes))}"
    if not again.active and "steps" in case["explicit"]:
        return None  # a file that does not say its steps, at those of an axis: nothing says them then
    was, is_now = ((one.lora, one.weight, str(one.schedule)) for one in (plan, again))
    return None if was == is_now else f"pasted, {was} is {is_now}"


def infotext_of(done: Request, plan: Plan) -> dict[str, Any]:
    """The parameters that a host's parser gives for the picture's infotext."""
    params: dict[str, Any] = {
        "Prompt": done.main_prompt,
        "Steps": str(done.steps),
        "Sampler": done.sampler_name,
        "Schedule type": done.scheduler or AUTOMATIC,  # which the hosts' parsers fill in
        "CFG scale": str(done.cfg_scale),
        "Distilled CFG Scale": done.distilled_cfg_scale,
        "Hyper-SD eta": None if plan.eta is None else f"{plan.eta:g}",
        **entries(plan),
    }
    if done.enable_hr:
        params |= {
            "Hires prompt": done.hr_prompts[0] if done.hr_prompts[0] != done.main_prompt else None,
            "Hires upscale": done.hr_scale,
            "Denoising strength": done.denoising_strength,
            "Hires steps": done.hr_second_pass_steps or None,
            "Hires CFG Scale": done.hr_cfg,
            "Hires Distilled CFG Scale": done.hr_distilled_cfg,
            "Hires sampler": done.hr_sampler_name if done.hr_sampler_name != done.sampler_name else None,
            "Hires schedule type": done.hr_scheduler if done.hr_scheduler != done.scheduler else None,
        }
    return {key: value for key, value in params.items() if value is not None}


PROMISES: Mapping[str, Callable[[Planned], str | None]] = {
    "at rest": _is_at_rest,
    "held fields": _is_held,
    "one tag": _is_tagged_once,
    "paste": _is_pasted,
}


def broken(case: Case) -> dict[str, str]:
    """The promises that a case breaks, each with what happened; a crash is one."""
    try:
        planned = Planned.of(case)
        said = {name: check(planned) for name, check in PROMISES.items()}
    except Exception as fault:
        return {"crash": f"{type(fault).__name__}: {fault}"}
    return {name: why for name, why in said.items() if why}


def smallest(case: Case, promise: str) -> Case:
    """The case with as many genes at their defaults, and as short lists, as still break the promise."""
    while True:
        smaller = next((one for one in _smaller(case) if promise in broken(one)), None)
        if smaller is None:
            return case
        case = smaller


def _smaller(case: Case) -> list[Case]:
    changed = [name for name in case if case[name] != DEFAULTS[name]]
    by_default = [case | {name: DEFAULTS[name]} for name in changed]
    lists = [(name, case[name]) for name in changed if isinstance(case[name], list)]
    shorter = [case | {name: [*v[:i], *v[i + 1 :]]} for name, v in lists for i in range(len(v)) if len(v) > 1]
    words = [
        case | {name: [*v[:i], [*v[i][:j], *v[i][j + 1 :]], *v[i + 1 :]]}
        for name, v in lists
        for i in range(len(v))
        if isinstance(v[i], list)
        for j in range(len(v[i]))
    ]
    return [*by_default, *shorter, *words]


def shown(case: Case) -> str:
    """What differs from the defaults."""
    return ", ".join(f"{name} {case[name]!r}" for name in case if case[name] != DEFAULTS[name]) or "all defaults"
