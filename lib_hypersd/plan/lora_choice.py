"""What a generation is tuned for: which LoRA file, trained for how many steps, by which recipe. Or why none."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..models import catalog, recipes
from ..models.catalog import Family, Variant, parse_alias
from ..models.families import Checkpoint
from ..models.lora_index import LoraFile, LoraIndex, Preference, preference, remedy, wanted_variant
from ..models.recipes import Recipe
from ..request.prompt_tags import CommentSyntax, format_tag
from ..request.settings import Settings
from ..request.tag_rule import TagRule, Typed
from ..sampling import names as own_sampling
from ..text import echo
from .draft import Draft


@dataclass(frozen=True)
class Target:
    """What a pass is tuned for: a LoRA file (None: baked into the checkpoint), its trained steps and its recipe."""

    file: LoraFile | None
    name: str
    steps: int
    recipe: Recipe
    weight: float
    tag: str = ""
    unified: bool = False

    def rule(self, index: LoraIndex, family: Family | None, comments: CommentSyntax, steps: int | None) -> TagRule:
        """How each prompt of a pass on a checkpoint of `family` gets its tag."""
        return TagRule(index, self.file, self.tag, self.recipe.weight, family, comments, steps)


class Refusal(Exception):  # noqa: N818 - not an error: the request is left alone, and this says why
    """Nothing is changed; the message is the notice.

    `missing` is the published file that is wanted, `unfit` whether it is the checkpoint that does not go with it.
    """

    def __init__(self, message: str, *, missing: Variant | None = None, unfit: bool = False) -> None:
        super().__init__(message)
        self.missing, self.unfit = missing, unfit


def find_target(settings: Settings, checkpoint: Checkpoint, index: LoraIndex, typed: Typed, draft: Draft) -> Target:
    family = checkpoint.family
    if not checkpoint.name:
        raise Refusal("There is no checkpoint: nothing was changed; put one into models/Stable-diffusion.", unfit=True)
    if family is None:
        raise Refusal(
            f"{checkpoint.name} is {checkpoint.title}, for which there is no Hyper-SD LoRA: nothing was changed; "
            "choose an SD 1.5, SDXL, SD 3 or FLUX.1-dev checkpoint.",
            unfit=True,
        )
    if checkpoint.flow and draft.request.names_own(settings.sampler, settings.scheduler):
        name = settings.sampler if settings.sampler in draft.request.own_samplers else settings.scheduler
        raise Refusal(
            f"{name} is for SD 1.5, SD 2 and SDXL, but {checkpoint.name} is {checkpoint.title}: nothing was "
            'changed; set it to "auto".'
        )
    unet = settings.lora in catalog.ONE_STEP_UNETS
    named = typed.tag is not None or (settings.lora not in ("auto", "none") and not unet)
    if not named and checkpoint.one_step_unet:
        return _one_step_unet(settings, draft)
    if not named and unet:
        raise Refusal(f"{settings.lora} is a checkpoint, not a LoRA: nothing was changed; select it as the checkpoint.")
    if not named and settings.lora == "none":
        steps = settings.explicit_steps or checkpoint.baked_steps or recipes.DEFAULT_STEPS
        recipe = draft.preferences.recipe(family, "plain", steps, nf4=checkpoint.nf4)
        return Target(None, "none", steps, recipe, 0.0, unified=True)
    if checkpoint.distilled and not named:
        raise Refusal(
            f"{checkpoint.name} is distilled already ({checkpoint.distilled}) and a second distillation would ruin the "
            'picture: nothing was changed; set LoRA to "none" to tune the settings alone.',
            unfit=True,
        )
    file = _chosen_file(settings, checkpoint, family, index, typed)
    steps = _trained_steps(file, settings)
    if file.family not in (None, family):
        raise _of_another_family(file, checkpoint)
    if file.family is None and file.architecture != "other":
        raise Refusal(
            f'{file.name} is not for {checkpoint.title}: nothing was changed; set LoRA to "auto".', unfit=True
        )
    if file.family is None:
        draft.notices.append(f"{file.name} does not tell its family: taken to be for {checkpoint.title}.")
    if checkpoint.distilled or checkpoint.one_step_unet:
        draft.notices.append(distilled_twice(checkpoint, file))
    if file.unified and not _has_tcd(draft):
        draft.notices.append(
            f"Another extension's sampler or schedule type is called {own_sampling.TCD} here: {recipes.EULER} and "
            f"{recipes.SGM_UNIFORM} were taken."
        )
    return file_target(file, family, steps, checkpoint, settings, typed, index, draft)


def distilled_twice(checkpoint: Checkpoint, file: LoraFile) -> str:
    """The notice where somebody asked for a second distillation."""
    word = checkpoint.distilled or "1-step"
    return f"{checkpoint.name} is distilled already ({word}); {file.name} on top will probably ruin the picture."


def _of_another_family(file: LoraFile | Variant, checkpoint: Checkpoint) -> Refusal:
    assert file.family is not None
    return Refusal(
        f"{file.name} is for {catalog.FAMILY_TITLES[file.family]}, but {checkpoint.name} is {checkpoint.title}: "
        'nothing was changed; set LoRA to "auto" or choose another checkpoint.',
        unfit=True,
    )


def file_target(
    file: LoraFile,
    family: Family,
    steps: int,
    checkpoint: Checkpoint,
    settings: Settings,
    typed: Typed,
    index: LoraIndex,
    draft: Draft,
) -> Target:
    unified = file.unified and _has_tcd(draft)
    recipe = draft.preferences.recipe(family, file.kind, steps, file=file.name, nf4=checkpoint.nf4, unified=unified)
    comments = draft.request.comments
    if typed.tag is not None:
        # The typed tag beats the settings' weight; its wording also serves the prompts that have none.
        tag = TagRule(index, file, "", recipe.weight, family, comments).written(typed.tag)
        weight = recipe.weight if typed.tag.weight is None else typed.tag.weight
    else:
        weight = recipe.weight if settings.weight == "auto" else float(settings.weight)
        tag = format_tag(file.name, weight)
    return Target(file, file.name, steps, recipe, weight, tag, file.unified)


def typed_otherwise(typed: Typed) -> list[str]:
    """Notices where a typed tag could not be taken as it stands."""
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


def _has_tcd(draft: Draft) -> bool:
    return own_sampling.TCD in draft.request.own_samplers and draft.request.has_schedule(own_sampling.TCD)


def _one_step_unet(settings: Settings, draft: Draft) -> Target:
    ours = draft.request.has_schedule(own_sampling.ONE_STEP_UNET)
    recipe = recipes.ONE_STEP_UNET if ours else recipes.ONE_STEP_UNET_STOCK
    if ours and draft.request.scheduler is None:
        recipe = replace(recipe, sampler=own_sampling.ONE_STEP_UNET)
    steps = settings.explicit_steps or (1 if ours else recipes.ONE_STEP_UNET_STOCK_STEPS)
    return Target(None, catalog.ONE_STEP_UNET, steps, recipe, 0.0, unified=True)


def _chosen_file(
    settings: Settings, checkpoint: Checkpoint, family: Family, index: LoraIndex, typed: Typed
) -> LoraFile:
    wish = Preference(settings.explicit_steps)
    if typed.tag is not None:
        file, variant = typed.file, typed.missing
    elif settings.lora == "auto":
        file, variant = index.choose(family, wish), wanted_variant(family, wish)
        file = file or index.damaged(family, wish)
    else:
        file, variant = _named_file(settings, family, index)
    if file is None:
        assert variant is not None
        if variant.family != family:  # to bring it would not help
            raise _of_another_family(variant, checkpoint)
        raise Refusal(
            f"{variant.file} is not on this machine: nothing was changed; get it from {variant.source} "
            "and put it into models/Lora.",
            missing=variant,
        )
    damage = index.damage(file)
    if damage:
        raise Refusal(
            f"The file of {file.name} {damage}: nothing was changed; {remedy(damage)}.",
            missing=catalog.BY_NAME.get(file.name),
        )
    return file


def _named_file(settings: Settings, family: Family, index: LoraIndex) -> tuple[LoraFile | None, catalog.Variant | None]:
    """The file that the `lora` setting names: a file of the host, a published name, or an alias."""
    file = index.asked_file(settings.lora)
    if file is not None:
        return file, None
    published = catalog.BY_NAME.get(settings.lora)
    alias = parse_alias(settings.lora)
    if published is not None or alias is None:
        return None, published
    wish = preference(alias, settings.explicit_steps)
    return index.choose(alias.family, wish), wanted_variant(alias.family, wish)


def _trained_steps(file: LoraFile, settings: Settings) -> int:
    steps = file.steps or settings.explicit_steps
    if steps is None:
        raise Refusal(
            f"{file.name} does not tell for how many steps it was trained: nothing was changed; set Steps, or write "
            f'"{file.name} = 8" into Settings > Hyper-SD > Trained steps of renamed LoRA files.'
        )
    return steps
