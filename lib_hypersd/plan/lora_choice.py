"""What a pass is tuned for: which LoRA file, trained for how many steps, by which recipe. Or why for none."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import cast

from ..models import recipes
from ..models.catalog import BY_NAME, FAMILY_TITLES, ONE_STEP_UNET, ONE_STEP_UNETS, Family, Variant, parse_alias
from ..models.checkpoint import Checkpoint
from ..models.families import title_of
from ..models.kin import KIN_TITLES, LCM, Kin, by_euler, by_tcd, kin_of
from ..models.lora_index import LoraFile, LoraIndex, LoraQuery, query_of, remedy, wanted_variant
from ..models.recipes import Recipe
from ..request.prompt_tags import LoraTag, format_tag
from ..request.request import Request
from ..request.settings import Settings, weight_of
from ..request.tag_rule import TagReader, TagRule, Typed
from ..request.weight_schedule import Weight, WeightSchedule, number_of
from ..sampling.names import ONE_STEP_UNET as ONE_STEP_UNET_SCHEDULE
from ..sampling.names import TCD
from ..text import echo
from .draft import Draft
from .result import Reason
from .trained_steps import Grid


@dataclass(frozen=True)
class LoraChoice:
    """What a pass is tuned for: a LoRA file (None: baked into the checkpoint), its trained steps and its recipe.

    `weight` is the tag's, the first of `schedule` where the weight changes from step to step; `hires` is the second
    pass's, where it has one of its own.
    """

    file: LoraFile | None
    name: str
    steps: int
    recipe: Recipe
    weight: float = 0.0
    tag: str = ""
    unified: bool = False
    schedule: WeightSchedule | None = None
    hires: Weight | None = None
    is_typed: bool = False
    has_block_weights: bool = False
    kin: Kin | None = None
    """The row of the table by which a LoRA of another distillation is driven."""

    @property
    def varies(self) -> bool:
        """Whether the weight changes in a way that the hosts themselves can't bring about."""
        typed_for_hires = self.is_typed and self.hires is not None
        return self.schedule is not None or isinstance(self.hires, WeightSchedule) or typed_for_hires

    @property
    def grid(self) -> Grid:
        """The schedule that it was trained on; a unified LoRA, and a checkpoint's name, say no length of one."""
        return Grid(self.steps, is_trained=self.file is not None and not self.unified)

    def rule(self, reader: TagReader) -> TagRule:
        """How each prompt of a pass gets its tag."""
        return TagRule(reader, self.file, self.tag, self.recipe.weight)


class Refusal(Exception):  # noqa: N818 - not an error: the request is left alone, and this says why
    """Nothing is changed, for a reason.

    `missing` is the published file that would be needed, `unfit` whether the checkpoint is what does not fit.
    """

    def __init__(self, why: str, advice: str = "", *, missing: Variant | None = None, unfit: bool = False) -> None:
        super().__init__(why)
        self.reason = Reason(why, advice)
        self.missing, self.unfit = missing, unfit


def choose_lora(draft: Draft, settings: Settings, typed: Typed) -> LoraChoice:
    """What the first pass is tuned for. Raises Refusal."""
    checkpoint = draft.inputs.checkpoint
    family = _family_of(draft, settings, checkpoint)
    names_unet = settings.lora in ONE_STEP_UNETS
    names_file = typed.tag is not None or (settings.lora not in ("auto", "none") and not names_unet)
    if not names_file and (checkpoint.one_step_unet or names_unet):
        return _one_step_unet(draft, settings)
    if not names_file and checkpoint.foreign_unet is not None:
        raise Refusal(_foreign_unet(checkpoint), "choose another checkpoint", unfit=True)
    if not names_file and settings.lora == "none":
        return baked_in(draft, settings, checkpoint, family)
    if not names_file and checkpoint.distilled:
        why = f"{checkpoint.name} is distilled already ({checkpoint.distilled}) and a second distillation would ruin "
        raise Refusal(f"{why}the picture", 'set LoRA to "none" to tune the settings alone', unfit=True)
    file = _chosen_file(draft, settings, family, typed)
    _trained_steps(file, settings, family)
    draft.notices += _doubts(draft.request, file, checkpoint)
    return file_choice(draft, settings, checkpoint, file, typed)


def _family_of(draft: Draft, settings: Settings, checkpoint: Checkpoint) -> Family:
    """The checkpoint's family. Raises Refusal where it has none, or where what the settings name is not for it."""
    if not checkpoint.name:
        raise Refusal("There is no checkpoint", "put one into models/Stable-diffusion", unfit=True)
    if checkpoint.family is None:
        *others, last = (FAMILY_TITLES[family] for family in draft.request.host.families)
        advice = f"choose an {', '.join(others)} or {last} checkpoint"
        raise Refusal(f"{checkpoint.name} is {no_lora_for(checkpoint)}", advice, unfit=True)
    own = draft.own_names(settings)
    if checkpoint.flow and own:
        why = f"{checkpoint.name} is a flow model, and {own[0]} is for models that predict noise (SD 1.5, SD 2, SDXL)"
        raise Refusal(why, 'set it to "auto"')
    return checkpoint.family


def no_lora_for(checkpoint: Checkpoint) -> str:
    """What a checkpoint without a family of the catalog is, to be put after "is"."""
    return checkpoint.title if checkpoint.is_unknown else f"{checkpoint.title}, for which there is no Hyper-SD LoRA"


def _foreign_unet(checkpoint: Checkpoint) -> str:
    whose = {"lightning": "SDXL-Lightning's", "dmd2": "DMD2's"}.get(checkpoint.foreign_unet or "", "not Hyper-SD's")
    return f"{checkpoint.name} is a 1-step UNet, {whose}, which needs a schedule of its own"


def _one_step_unet(draft: Draft, settings: Settings) -> LoraChoice:
    """The 1-step SDXL UNet, with its own schedule type where that is available. Raises Refusal."""
    if not draft.inputs.checkpoint.one_step_unet:
        raise Refusal(f"{settings.lora} is a checkpoint, not a LoRA", "select it as the checkpoint")
    published = draft.request.has_schedule(ONE_STEP_UNET_SCHEDULE)
    recipe = recipes.ONE_STEP_UNET if published else recipes.ONE_STEP_UNET_STOCK
    if published and draft.request.scheduler is None:
        recipe = replace(recipe, sampler=ONE_STEP_UNET_SCHEDULE)
    steps = settings.explicit_steps or (1 if published else recipes.ONE_STEP_UNET_STOCK_STEPS)
    return LoraChoice(None, ONE_STEP_UNET, steps, recipe, unified=True)


def baked_in(draft: Draft, settings: Settings, checkpoint: Checkpoint, family: Family) -> LoraChoice:
    """With "none" for the LoRA: the plain recipe alone, for the steps that the checkpoint's name says."""
    steps = settings.explicit_steps or checkpoint.baked_steps or recipes.DEFAULT_STEPS
    recipe = draft.inputs.preferences.recipe(family, "plain", steps, nf4=checkpoint.nf4)
    return LoraChoice(None, "none", steps, _suited(recipe, checkpoint), unified=True)


def file_choice(draft: Draft, settings: Settings, checkpoint: Checkpoint, file: LoraFile, typed: Typed) -> LoraChoice:
    """A pass on `checkpoint` tuned for `file`, with the weight of the typed tag if there is one."""
    family = cast("Family", checkpoint.family)  # others are refused before
    steps, kin = _trained_steps(file, settings, family), kin_of(file.distillation, family, file.kind)
    recipe = _suited(_recipe(draft, checkpoint, file, steps), checkpoint)
    requested, hires = weight_of(settings.weight), weight_of(settings.hires_weight)
    is_typed = typed.tag is not None and not _is_from_before(typed.tag, settings, number_of(requested, recipe.weight))
    tag = format_tag(file.name, number_of(requested, recipe.weight))
    if typed.tag is not None:
        # Its wording also serves the prompts that have none.
        tag = TagRule(TagReader(draft.inputs.lookups, family), file, weight=recipe.weight).written(typed.tag)
    if typed.tag is not None and is_typed:
        requested, hires = typed.tag.unet, typed.tag.hires  # it beats the settings' weight
    return LoraChoice(
        file,
        file.name,
        steps,
        recipe,
        number_of(requested, recipe.weight),
        tag,
        file.unified,
        schedule=requested if isinstance(requested, WeightSchedule) else None,
        hires=hires,
        is_typed=is_typed,
        has_block_weights=typed.tag is not None and typed.tag.has_block_weights,
        kin=kin,
    )


def _is_from_before(tag: LoraTag, settings: Settings, weight: float) -> bool:
    """Whether a typed tag is the one that a plan by these settings writes: a tag holds no schedule of weights, so that
    the settings' schedule must count again where that plan is applied to its own result, or pasted."""
    return settings.varies and not tag.varies and not tag.has_block_weights and tag.weight == weight


def _recipe(draft: Draft, checkpoint: Checkpoint, file: LoraFile, steps: int) -> Recipe:
    """The recipe of a file on `checkpoint`, with a sampler that this host has."""
    request, preferences, family = draft.request, draft.inputs.preferences, cast("Family", checkpoint.family)
    kin = kin_of(file.distillation, family, file.kind)
    if kin is None:
        unified = file.unified and _has_tcd(request)
        return preferences.recipe(family, file.kind, steps, file=file.name, nf4=checkpoint.nf4, unified=unified)
    recipe = preferences.kin_recipe(kin, file.name)
    if recipe.sampler == LCM and not request.host.has_lcm:
        recipe = by_tcd(recipe)
    if recipe.sampler == TCD and (checkpoint.flow or not _has_tcd(request)):
        recipe = by_euler(recipe)
    return recipe


def _suited(recipe: Recipe, checkpoint: Checkpoint) -> Recipe:
    """`recipe` without the values that don't hold for a relative of FLUX.1-dev."""
    if checkpoint.is_de_distilled:
        return replace(recipe, cfg=recipes.Dial(recipe.cfg.value, *_ANY_CFG), distilled_cfg=None)
    return replace(recipe, distilled_cfg=None) if checkpoint.own_guidance else recipe


_ANY_CFG = (0.0, 30.0)


def _has_tcd(request: Request) -> bool:
    return TCD in request.host.own_samplers and request.has_schedule(TCD)


# Files ---------------------------------------------------------------------------------------------------------


def _chosen_file(draft: Draft, settings: Settings, family: Family, typed: Typed) -> LoraFile:
    """The intact file that a typed tag, the setting or the automatic choice means. Raises Refusal."""
    index, checkpoint = draft.inputs.index, draft.inputs.checkpoint
    if typed.tag is not None:
        file, variant = typed.file, typed.missing
    elif settings.lora == "auto":
        query = LoraQuery(settings.explicit_steps)
        file, variant = index.choose(family, query), wanted_variant(family, query)
        file = file or index.damaged(family, query)
    else:
        file, variant = _named_file(index, settings)
    if file is not None:
        damage = index.damage(file)
        if not damage:
            return file
        raise Refusal(f"The file of {file.name} {damage}", remedy(damage), missing=BY_NAME.get(file.name))
    if variant is None:
        raise Refusal(f"{settings.lora} is none of this WebUI's LoRA files", "refresh their list")
    if variant.family != family:  # downloading it would not help
        raise _of_another_family(variant.name, variant.family, checkpoint)
    advice = f"get it from {variant.source} and put it into models/Lora"
    raise Refusal(f"{variant.file} is not on this machine", advice, missing=variant)


def _named_file(index: LoraIndex, settings: Settings) -> tuple[LoraFile | None, Variant | None]:
    """The file that the `lora` setting names: a file of the host, a published name, or an alias."""
    file = index.requested_file(settings.lora)
    alias = parse_alias(settings.lora)
    published = BY_NAME.get(settings.lora)
    if file is not None or published is not None or alias is None:
        return file, published
    query = query_of(alias, settings.explicit_steps)
    return index.choose(alias.family, query), wanted_variant(alias.family, query)


def trained_steps(file: LoraFile, settings: Settings, family: Family) -> int | None:
    """The file's step count, its distillation's, or the requested one where neither is known; None for none of them."""
    kin = kin_of(file.distillation, family, file.kind)
    return file.steps or (kin and kin.steps) or settings.explicit_steps


def _trained_steps(file: LoraFile, settings: Settings, family: Family) -> int:
    """The same. Raises Refusal where there is none."""
    steps = trained_steps(file, settings, family)
    if steps is None:
        place = "Settings > Hyper-SD > Trained steps of renamed LoRA files"
        advice = f'set Steps, or write "{file.name} = 8" into {place}'
        raise Refusal(f"{file.name} does not tell for how many steps it was trained", advice)
    return steps


def _of_another_family(name: str, family: Family, checkpoint: Checkpoint) -> Refusal:
    why = f"{name} is for {FAMILY_TITLES[family]}, but {checkpoint.name} is {checkpoint.title}"
    return Refusal(why, 'set LoRA to "auto" or choose another checkpoint', unfit=True)


def _doubts(request: Request, file: LoraFile, checkpoint: Checkpoint) -> Iterable[str]:
    """Notices about a file that is used. Raises Refusal where it is for another family."""
    if file.family is not None and file.family != checkpoint.family:
        raise _of_another_family(file.name, file.family, checkpoint)
    if file.family is None:
        if file.architecture != "unknown":
            why = f"{file.name} is not for {checkpoint.title} but for {title_of(file.architecture)}"
            raise Refusal(why, 'set LoRA to "auto"', unfit=True)
        yield f"{file.name} does not tell its family: taken to be for {checkpoint.title}."
    if checkpoint.distilled or checkpoint.one_step_unet or checkpoint.foreign_unet is not None:
        yield distilled_twice(checkpoint, file)
    kin = kin_of(file.distillation, checkpoint.family, file.kind)
    if file.distillation and kin is None:
        yield _no_recipe(file, checkpoint)
    if (file.unified or (kin and kin.recipe.sampler == TCD)) and not _has_tcd(request):
        taken = f"{recipes.EULER} and {recipes.SGM_UNIFORM} were taken"
        yield f"Another extension's sampler or schedule type is called {TCD} here: {taken}."


def _no_recipe(file: LoraFile, checkpoint: Checkpoint) -> str:
    title = KIN_TITLES[file.distillation or ""]
    lacking = (
        f"{file.name} is a LoRA of another distillation ({title}), whose recipe for {checkpoint.title} is not known"
    )
    return f"{lacking}: it gets Hyper-SD's; set weight, CFG and sampler as its own page says."


def distilled_twice(checkpoint: Checkpoint, file: LoraFile) -> str:
    """The notice where a second distillation was requested."""
    word = checkpoint.distilled or "1-step"
    return f"{checkpoint.name} is distilled already ({word}); {file.name} on top will probably ruin the picture."


def typed_otherwise(typed: Typed) -> list[str]:
    """Notices where a typed tag could not be used exactly as it was typed."""
    notices = []
    tag, file = typed.tag, typed.file
    alias = parse_alias(tag.name) if tag else None
    if tag and file and alias and tag.name != file.name:
        other_steps = alias.steps is not None and alias.steps != file.steps
        if other_steps or (alias.cfg and file.kind == "plain"):
            notices.append(f"<lora:{echo(tag.name)}> stands for {file.name} here, the nearest file on this machine.")
    if tag and not tag.readable:
        notices.append(f"The weight in {echo(tag.text)} is no number: the recipe's was taken.")
    return notices
