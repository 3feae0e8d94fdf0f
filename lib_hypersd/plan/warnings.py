"""What will look bad although it was requested, and what will have no effect: one notice each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..models.checkpoint import Checkpoint
from ..models.kin import KIN_TITLES, LCM
from ..models.recipes import ONE_STEP_UNET_STOCK, ONE_STEP_UNET_STOCK_STEPS, Recipe
from ..request.settings import Settings
from ..sampling.names import ONE_STEP_UNET, TCD, schedule_in_effect
from ..text import counted, echo
from .draft import Draft
from .lora_choice import LoraChoice
from .sampler_limits import fitting_schedule

FAR_WEIGHT = (0.5, 1.5)
"""A LoRA weight outside these multiples of the recipe's gets a notice."""
FAR_STEPS = (0.75, 1.5)
"""The same for steps: the card runs the 8-step files at 6 steps, the source article at 9."""


@dataclass(frozen=True)
class Tuned:
    """A draft with all its values set. `hr_recipe` is the hires pass's, None where that was left alone."""

    draft: Draft
    settings: Settings
    choice: LoraChoice
    hr_recipe: Recipe | None


def warnings(tuned: Tuned) -> Iterator[str]:
    """All warnings, in the order in which people read them."""
    for check in _CHECKS:
        yield from check(tuned)


def _cfg(tuned: Tuned) -> Iterator[str]:
    """Each pass is judged by its own recipe: the hires pass may run on another checkpoint."""
    draft, recipe, hr_recipe = tuned.draft, tuned.choice.recipe, tuned.hr_recipe
    first, own = draft["cfg_scale"], _own_hires_cfg(draft)
    judged = [("CFG", first, recipe.cfg)]
    if draft["enable_hr"] and hr_recipe is not None and (own is not None or hr_recipe.cfg != recipe.cfg):
        judged.append(("Hires CFG", first if own is None else own, hr_recipe.cfg))
    for title, value, dial in judged:
        if not dial.holds(value):
            yield f"{title} {value:g} is outside the recipe's {dial.span}: expect a burnt or washed-out picture."


def _own_hires_cfg(draft: Draft) -> float | None:
    """The hires pass's CFG, or None where it is the first pass's."""
    value: float | None = draft["hr_cfg"]
    return None if value is None or (draft.request.host.hr_cfg_zero_is_same and value <= 0) else value


def _negative_prompt(tuned: Tuned) -> Iterator[str]:
    """Each pass is judged by its own negative prompt and CFG."""
    draft, request = tuned.draft, tuned.draft.request
    first, own = draft["cfg_scale"], _own_hires_cfg(draft)
    has_hires = draft["enable_hr"] and request.hr_negative_prompt
    idle = request.negative_prompt and first == 1, has_hires and (first if own is None else own) == 1
    if idle[0] and (idle[1] or not has_hires):
        yield "The negative prompt has no effect at CFG 1."
    elif any(idle):
        yield f"The negative prompt has no effect in the {'first' if idle[0] else 'hires'} pass, at CFG 1."


def _steps(tuned: Tuned) -> Iterator[str]:
    steps, choice = tuned.draft["steps"], tuned.choice
    low, high = (factor * choice.steps for factor in FAR_STEPS)
    if choice.unified:
        low, high = 1, max(8, choice.steps)
    elif choice.kin and choice.kin.span:
        low, high = min(low, choice.kin.span[0]), max(high, choice.kin.span[1])
    if not tuned.draft.request.fixed_img2img_steps and not low <= steps <= high:
        made_for = "the checkpoint's name tells" if choice.file is None else f"{choice.name} was trained for"
        yield f"{counted(steps, 'step')} {'is' if steps == 1 else 'are'} far from the {choice.steps} that {made_for}."


def _weight(tuned: Tuned) -> Iterator[str]:
    choice, usual = tuned.choice, tuned.choice.recipe.weight
    low, high = sorted(factor * usual for factor in FAR_WEIGHT)
    if choice.file is not None and choice.schedule is None and not low <= choice.weight <= high:
        yield f"Weight {choice.weight:g} is far from {usual:g}, at which {choice.name} works."


def _distilled_cfg(tuned: Tuned) -> Iterator[str]:
    value, dial = tuned.draft["distilled_cfg_scale"], tuned.choice.recipe.distilled_cfg
    shift = tuned.draft.inputs.checkpoint.uses_shift
    if dial is not None and value is not None and not shift and not dial.holds(value):
        yield f"Distilled CFG {value:g} is outside the recipe's {dial.span}."


def _flux_relatives(tuned: Tuned) -> Iterator[str]:
    """Which values of FLUX.1-dev don't hold for the checkpoint of a pass, and were left alone."""
    draft, inputs = tuned.draft, tuned.draft.inputs
    yield from _relative(inputs.checkpoint, "Distilled CFG", draft["distilled_cfg_scale"], tuned.settings)
    if draft["enable_hr"]:
        checkpoint = inputs.hr_checkpoint or inputs.checkpoint
        yield from _relative(checkpoint, "Hires distilled CFG", draft["hr_distilled_cfg"], tuned.settings)


def _relative(checkpoint: Checkpoint, title: str, value: float | None, settings: Settings) -> Iterator[str]:
    own = checkpoint.own_guidance
    if own and value is not None and not checkpoint.uses_shift and value not in own.distilled_cfg:
        is_there = "is" if isinstance(settings.distilled_cfg, float) else "was left at"
        made_for = f"{checkpoint.name} is {own.title}, which is made for {own.wanted}"
        yield f"{title} {is_there} {value:g}, and {made_for}: set that."
    if checkpoint.is_de_distilled:
        left = "CFG, distilled CFG, sampler and schedule type were left alone where you have not set them"
        yield f"{checkpoint.name} is de-distilled and needs real CFG, for which there is no recipe: {left}."


def _sampling(tuned: Tuned) -> Iterator[str]:
    if tuned.draft.inputs.checkpoint.is_de_distilled or _is_as_in_the_article(tuned):
        return
    draft, recipe, request = tuned.draft, tuned.choice.recipe, tuned.draft.request
    sampler = draft["sampler_name"]
    if request.method_of(sampler) not in (recipe.sampler, TCD):
        usual = request.sampler_on(recipe.sampler, recipe.scheduler)
        yield f"Sampler {sampler} is not the recipe's {usual}: expect noise or blur."
    schedule = schedule_in_effect(sampler, draft["scheduler"])
    fitting = fitting_schedule(request, sampler, recipe, flow=draft.inputs.flow)
    if schedule not in (None, fitting):
        yield f"Schedule type {schedule} is not the recipe's {fitting}: expect noise or blur."


def _is_as_in_the_article(tuned: Tuned) -> bool:
    """Whether the 1-step SDXL UNet runs as the source article runs it, though its own schedule type is here."""
    draft, stock = tuned.draft, ONE_STEP_UNET_STOCK
    method = draft.request.method_of(draft["sampler_name"])
    sampling = method, schedule_in_effect(draft["sampler_name"], draft["scheduler"])
    is_unet = tuned.choice.recipe.scheduler == ONE_STEP_UNET
    return is_unet and sampling == (stock.sampler, stock.scheduler) and draft["steps"] >= ONE_STEP_UNET_STOCK_STEPS


def _no_lcm(tuned: Tuned) -> Iterator[str]:
    """What stands in for the host's LCM, where it has none and the sampler is the recipe's to choose."""
    choice, sampler = tuned.choice, tuned.draft["sampler_name"]
    if choice.kin is None or choice.kin.recipe.sampler != LCM or tuned.draft.request.host.has_lcm:
        return
    is_chosen = tuned.settings.sampler == "auto" and not tuned.draft.is_held("sampler_name")
    if is_chosen and sampler == choice.recipe.sampler:
        same = " at eta 1, which comes to the same" if sampler == TCD else ""
        yield f"This WebUI has no sampler {LCM}, which {choice.name} is made for: {sampler} was taken{same}."


def _other_distillations(tuned: Tuned) -> Iterator[str]:
    """LoRAs of other distillations in the prompts, or added to them by the host's option; weight 0 does nothing."""
    draft, lookups, file = tuned.draft, tuned.draft.inputs.lookups, tuned.choice.file
    index = lookups.index
    request, host = draft.request, draft.request.host
    hr_prompts = request.hr_prompts_if_on if draft["enable_hr"] else ()
    read = [(prompt, host.comments) for prompt in request.prompts]
    read += [(prompt, host.hr_comments) for prompt in hr_prompts]
    tags = (tag for prompt, comments in dict.fromkeys(read) for tag in lookups.tags(prompt, comments))
    named = [index.kin_name(tag.name) for tag in tags if index.kin_name(tag.name) and tag.weight != 0]
    named += [index.kin_name(request.standing_lora)] if request.standing_lora else []
    known = dict.fromkeys(name for name in named if name and not (file and name == file.name))
    if known:
        names = " and ".join(f"{echo(name)} ({KIN_TITLES[index.kin[name]]})" for name in known)
        are, them = ("is a LoRA", "it") if len(known) == 1 else ("are LoRAs", "them")
        two = "and two distillations ruin the picture"
        yield f"{names} {are} of another distillation, {two}: take {them} out of the prompt."


def _hires(tuned: Tuned) -> Iterator[str]:
    settings, on, obstacle = tuned.settings, tuned.draft["enable_hr"], tuned.draft.request.hires_obstacle
    values = (settings.hires_steps, settings.hires_denoise, settings.hires_scale, settings.hires_upscaler)
    if settings.hires_weight != "auto" and not on:
        yield "The hires weight was not used: hires fix is off."
    if any(value != "auto" for value in values) and (not on or settings.hires == "keep"):
        yield f"The hires values were not used: {'Hires is set to keep' if on else 'hires fix is off'}."
    if settings.hires_scale not in ("auto", "keep") and obstacle and on:
        yield f"The hires scale was not used: {obstacle}."


def _soft_unet(tuned: Tuned) -> Iterator[str]:
    draft, is_stock = tuned.draft, tuned.choice.recipe is ONE_STEP_UNET_STOCK or _is_as_in_the_article(tuned)
    if is_stock and not draft["enable_hr"] and draft.request.mode == "txt2img":
        yield "The 1-step SDXL UNet draws soft pictures on its own: turn on hires fix for a second pass."


def _same_stem(tuned: Tuned) -> Iterator[str]:
    file = tuned.choice.file
    same = tuned.draft.inputs.index.same_stems.get(file.name) if file else None
    if same:
        which = f"the WebUI uses {same.used}, not {' and '.join(same.others)}"
        yield f"Several LoRA files are called {tuned.choice.name}: {which}; rename one."


def _refiner(tuned: Tuned) -> Iterator[str]:
    if tuned.draft.request.refiner:
        yield "A refiner is set: it runs without this plan; switch it off for few-step pictures."


_CHECKS: tuple[Callable[[Tuned], Iterator[str]], ...] = (
    _cfg,
    _negative_prompt,
    _steps,
    _weight,
    _distilled_cfg,
    _flux_relatives,
    _sampling,
    _no_lcm,
    _other_distillations,
    _hires,
    _soft_unet,
    _same_stem,
    _refiner,
)
