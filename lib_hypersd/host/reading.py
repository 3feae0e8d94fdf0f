"""Read a Request from `p`, or from the values of the page or an API body."""

import dataclasses
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from modules import scripts, sd_models, shared

from ..models.checkpoint import Checkpoint
from ..models.kin import LCM
from ..models.lora_index import LoraFile
from ..models.storage import is_low_bit
from ..plan.draft import Inputs
from ..request.prompt_tags import CommentSyntax
from ..request.request import HostTraits, Request
from ..sampling.names import BOUND
from .loras import lora_index
from .options import option, preferences, prompt_tag_reaction, sampler_names, sd_schedulers
from .page_texts import styled
from .sampling import model_noise, own_samplers, own_schedules
from .server import drops_all_loras, loadable_families, txt2img_class
from .storage import is_merged, measure, storage_of
from .xyz import fields_set_by_axes

_NONE: Mapping[str, Any] = MappingProxyType({})


def read_request(p: Any) -> Request:
    """The Request that `p` is in `process`."""

    def get(name: str) -> Any:
        return getattr(p, name, None)

    hires = bool(get("enable_hr"))
    negative = _is_text(p.all_negative_prompts)
    own_negative = _is_text(p.all_hr_negative_prompts or ()) if hires else bool(styled_hires_prompt(p, negative=True))
    return Request(
        prompts=tuple(map(str, p.all_prompts)),
        main_prompt=str(p.main_prompt),
        negative_prompt=negative,
        hr_negative_prompt=own_negative or (negative and not hires),
        mode="img2img" if hasattr(p, "init_images") else "txt2img",
        hr_prompts=tuple(map(str, p.all_hr_prompts or ())) if hires else (),
        own_hr_prompt="" if hires else styled_hires_prompt(p),
        explicit=fields_set_by_axes(p),
        **_fields(get, _NONE),
        hires_obstacle=_hires_obstacle(get),
        **model_noise(p),
    )


def _is_text(prompts: Iterable[Any]) -> bool:
    return any(str(prompt).strip() for prompt in prompts)


def plan_inputs(
    request: Request,
    checkpoint: Checkpoint,
    hr_checkpoint: Checkpoint | None,
    overrides: Mapping[str, Any] = _NONE,
    *,
    may_plan: bool = True,
) -> Inputs:
    """What a plan is made from; unless `may_plan`, without this machine's LoRA files and the person's options.

    `overrides` are options of the request that the host has not set yet.
    """
    if not may_plan:
        return Inputs(request, checkpoint, hr_checkpoint=hr_checkpoint)
    standing, reaction, model = preferences(overrides), prompt_tag_reaction(overrides), _loaded(checkpoint)
    storage = storage_of(model) or checkpoint.storage
    known = (storage, is_merged(model), partial(measure, model))
    return Inputs(request, checkpoint, lora_index(), hr_checkpoint, standing, reaction, *known)


def storage_report(checkpoint: Checkpoint, file: LoraFile | None) -> dict[str, Any]:
    """`storage` of a checkpoint where it is known, and `merge`: size of ΔW over W, and the share that a merge keeps."""
    model = _loaded(checkpoint)
    storage = storage_of(model) or checkpoint.storage
    merged = None
    if file is not None and checkpoint.family is not None and is_low_bit(storage) and is_merged(model):
        recipe = preferences().recipe(checkpoint.family, file.kind, file.steps or 8, file=file.name, nf4=checkpoint.nf4)
        merged = measure(model, file, recipe.weight)
    return {"storage": storage, "merge": merged and {"lora": file and file.name, **dataclasses.asdict(merged)}}


def _loaded(checkpoint: Checkpoint) -> Any:
    """The loaded model where it is this checkpoint; else None."""
    model = getattr(sd_models.model_data, "sd_model", None)
    path = getattr(getattr(model, "sd_checkpoint_info", None), "filename", None)
    return model if path and os.path.splitext(os.path.basename(path))[0] == checkpoint.name else None


def styled_hires_prompt(p: Any, *, negative: bool = False) -> str:
    """A request's own hires prompt, or its negative one, styled as in a run with hires fix; "" if it has none."""
    prompt = str(getattr(p, "hr_negative_prompt" if negative else "hr_prompt", "") or "")
    styles = getattr(p, "styles", None)
    return styled(prompt, styles, negative=negative) if prompt and styles else prompt


def txt2img_defaults() -> dict[str, Any]:
    """The txt2img fields of this host's API with their defaults.

    Where a class and its base both define a field, the hosts' API has the base's default: no denoising strength.
    """
    classes = filter(dataclasses.is_dataclass, txt2img_class().__mro__)
    defaults = {f.name: f.default for kind in classes for f in dataclasses.fields(kind)}
    return {name: default for name, default in defaults.items() if default not in (dataclasses.MISSING, None)}


def request_from_values(values: Mapping[str, Any], overrides: Mapping[str, Any] = _NONE) -> Request:
    """The Request of a txt2img body, filled up with `txt2img_defaults`, its types checked; its styles are written out.

    `overrides` are its override settings.
    """
    known, styles = {f.name for f in dataclasses.fields(txt2img_class())}, values.get("styles") or ()
    typed, typed_for_hires = values.get("prompt") or "", values.get("hr_prompt") or ""
    prompt, hires = styled(typed, styles), bool(values.get("enable_hr", False))
    negative = values.get("negative_prompt") or ""
    hr_negative = values.get("hr_negative_prompt") or negative
    return Request(
        prompts=(prompt,),
        main_prompt=prompt,
        negative_prompt=_is_text([styled(negative, styles, negative=True)]),
        hr_negative_prompt=_is_text([styled(hr_negative, styles, negative=True)]),
        hr_prompts=(styled(typed_for_hires or typed, styles),) if hires else (),
        own_hr_prompt=styled(typed_for_hires, styles) if typed_for_hires and not hires else "",
        **_fields(lambda name: values.get(name) if name in known else None, overrides),
        hires_obstacle=_hires_obstacle(values.get),
    )


def _fields(get: Callable[[str], Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that page, API and `p` have alike; None for those that this host does not have."""
    return {
        "steps": int(get("steps")),
        "cfg_scale": float(get("cfg_scale")),
        "sampler_name": get("sampler_name") or get("sampler_index") or "Euler",  # the hosts' own fallback
        "scheduler": _scheduler_label(get("scheduler")) if sd_schedulers else None,
        "distilled_cfg_scale": _optional_float(get("distilled_cfg_scale")),
        "denoising_strength": _optional_float(get("denoising_strength")),
        "enable_hr": bool(get("enable_hr")),
        "hr_scale": float(get("hr_scale") or 2.0),
        "hr_upscaler": get("hr_upscaler"),
        "hr_second_pass_steps": int(get("hr_second_pass_steps") or 0),
        "hr_cfg": _optional_float(get("hr_cfg")),
        "hr_distilled_cfg": _optional_float(get("hr_distilled_cfg")),
        "hr_sampler_name": _unless(get("hr_sampler_name"), "Use same sampler"),
        "hr_scheduler": _hires_scheduler(get("hr_scheduler")),
        "refiner": get("refiner_checkpoint") not in (None, "", "None", "none"),
        "standing_lora": _standing_lora(overrides),
        # reForge, alone in having a hires CFG but no distilled one.
        "host": _traits(
            overrides, hr_cfg_zero_is_same=get("hr_cfg") is not None and get("distilled_cfg_scale") is None
        ),
    }


def _traits(overrides: Mapping[str, Any], *, hr_cfg_zero_is_same: bool) -> HostTraits:
    return HostTraits(
        own_samplers=own_samplers(),
        own_schedules=own_schedules(),
        bound_samplers=frozenset() if sd_schedulers else frozenset(BOUND.keys() & set(sampler_names())),
        comments=comment_syntax(overrides),
        comments_stay_in_hires=sd_schedulers is None,  # A1111 got schedule types and the mend of this in one version
        hr_cfg_zero_is_same=hr_cfg_zero_is_same,
        has_lcm=LCM in sampler_names(),
        drops_all_loras=drops_all_loras(),
        families=loadable_families(),
        schedules_weights=_is_loractl_on(),
        weights_blocks=any(str(each.path).endswith(_BLOCK_WEIGHT) for each in scripts.scripts_data),
        img2img_fixed_steps=bool(option("img2img_fix_steps", False, overrides)),
        default_upscaler=shared.latent_upscale_default_mode,
    )


_BLOCK_WEIGHT = "lora_block_weight.py"


def _is_loractl_on() -> bool:
    """Whether sd-webui-loractl reads the weights in tags."""
    loractl = sys.modules.get("loractl.lib.utils")
    return bool(loractl is not None and loractl.is_active())


def _standing_lora(overrides: Mapping[str, Any]) -> str | None:
    name = option("sd_lora", None, overrides)
    return str(name) if name and name != "None" else None


def comment_syntax(overrides: Mapping[str, Any]) -> CommentSyntax:
    """What the host's Comments script removes from prompts, by its options; "none" where there is no script."""
    if hasattr(shared.opts, "enable_prompt_comments_def"):  # reForge: always, and this option means something else
        return "c"
    if not option("enable_prompt_comments", False, overrides):
        return "none"
    return "c" if hasattr(shared.opts, "save_prompt_comments") else "hash"  # Forge Neo


def _hires_obstacle(get: Callable[[str], Any]) -> str | None:
    if get("hr_resize_x") or get("hr_resize_y"):
        return "the request resizes by pixels (hr_resize_x, hr_resize_y)"
    if get("firstpass_image") is not None:
        return "the request brings its own first-pass image"
    return None


def _hires_scheduler(name: str | None) -> str | None:
    own = _unless(name, "Use same scheduler")
    return _scheduler_label(own) if own and sd_schedulers else None


def _scheduler_label(name: str | None) -> str:
    found = sd_schedulers.schedulers_map.get(name or "Automatic")
    return str(found.label) if found else str(name)


def _unless(name: str | None, same: str) -> str | None:
    """None for what means "as in the first pass"."""
    return None if name in (None, "", same) else name


def _optional_float(value: Any) -> float | None:
    return None if value is None else float(value)
