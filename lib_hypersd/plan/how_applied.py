"""How the LoRA of a plan is applied, and what of it will not reach the model as it was written."""

from collections.abc import Iterator

from ..models.storage import is_low_bit, title
from ..request.request import HostTraits
from ..request.settings import Settings
from ..request.tag_rule import TagReader
from ..request.weight_schedule import WeightSchedule
from ..text import echo
from .application import Application
from .draft import Draft, Inputs
from .lora_choice import LoraChoice
from .result import Plan


def application(draft: Draft, settings: Settings, choice: LoraChoice, *, hires: bool = False) -> Application | None:
    """How the LoRA of a pass is applied; None where it is baked into the checkpoint."""
    if choice.file is None:
        return None
    request = draft.request
    own = choice.hires if hires and choice.hires is not None else choice.schedule
    prompts = request.hr_prompts_if_on if hires else request.prompts
    return Application(
        choice.file,
        settings.apply,
        own if isinstance(own, WeightSchedule) else None,
        varies=choice.varies,
        host_drops=request.host.drops_all_loras and bool(_reader(draft, hires=hires).unlisted(prompts)),
        foreign=_is_foreign(choice, request.host),
    )


def _reader(draft: Draft, *, hires: bool) -> TagReader:
    return draft.inputs.hr_reader() if hires and draft.inputs.hr_checkpoint else draft.inputs.reader()


def _is_foreign(choice: LoraChoice, host: HostTraits) -> bool:
    """Whether a typed tag's words are those of an extension that is here."""
    scheduled = choice.is_typed and choice.varies and host.schedules_weights
    return scheduled or (choice.has_block_weights and host.weights_blocks)


def application_notices(draft: Draft, choice: LoraChoice, first: Application | None) -> Iterator[str]:
    """What of the requested LoRAs does not reach the model as it was written."""
    if first is None:
        return
    yield from _unlisted(draft, first)
    yield from _second_by_option(draft, choice)
    if first.setting != "host":
        return
    if first.varies and not first.foreign:
        rest = f"the WebUI's own merge can't change it during a picture: it stays at {choice.weight:g}"
        yield f"The weight was not changed from step to step, for {rest}; set Apply to auto."
    kept = _kept(draft, choice)
    if kept is not None:
        yield f"{kept}: expect an unfinished picture; set Apply to auto."


def remark(inputs: Inputs, plan: Plan) -> str:
    """What the panel says of a plan's bypass on a low-bit checkpoint; "" for nothing. Apart from the plan, for it may
    measure, and a generation need not wait for that."""
    first, storage = plan.application, inputs.storage
    if first is None or plan.weight is None or storage is None:
        return ""
    if first.way(storage) == "host" or not is_low_bit(storage):
        return ""
    if not inputs.is_merged:
        return (
            f"On this {title(storage)} checkpoint the LoRA is applied beside the layers: exact, and nothing to merge."
        )
    merged = inputs.measure(first.file, plan.weight)
    if merged is None:
        return f"On this {title(storage)} checkpoint the LoRA is applied beside the layers; a merge would round it."
    would = f"keep {merged.percent} of the LoRA"
    if merged.loses_it and merged.kept >= _KEPT_WELL:
        would = f"add noise {merged.error:.1f} times as large as the LoRA"
    return f"Merged, this {title(storage)} checkpoint would {would}: it is applied beside the layers instead."


_KEPT_WELL = 0.75
"""A merge that keeps this share of the LoRA, and that is bad nevertheless, adds noise."""


def _kept(draft: Draft, choice: LoraChoice) -> str | None:
    storage = draft.inputs.storage
    if storage is None or not is_low_bit(storage) or choice.file is None or not draft.inputs.is_merged:
        return None
    merged = draft.inputs.measure(choice.file, choice.weight)
    if merged is None:
        return f"Merged into this {title(storage)} checkpoint, much of the LoRA may be rounded away"
    if not merged.loses_it:
        return None
    kept = f"{merged.percent} of the LoRA is kept"
    if merged.kept >= _KEPT_WELL:
        kept = f"the LoRA gets noise {merged.error:.1f} times as large as itself"
    return f"Merged into this {title(storage)} checkpoint, {kept}"


def _unlisted(draft: Draft, first: Application) -> Iterator[str]:
    request = draft.request
    names = draft.inputs.reader().unlisted((*request.prompts, *request.hr_prompts))
    if not names:
        return
    tags, it = ", ".join(f"<lora:{echo(name)}>" for name in names), "them" if len(names) > 1 else "it"
    if request.host.drops_all_loras:
        but = f" but {first.file.name}" if first.may_bypass else ""
        yield f"This WebUI lists no LoRA for {tags} and therefore drops every LoRA of the prompt{but}: take {it} out."
    else:
        yield f"This WebUI lists no LoRA for {tags}: nothing was loaded for {it}."


def _second_by_option(draft: Draft, choice: LoraChoice) -> Iterator[str]:
    standing = draft.inputs.standing_file
    if standing is not None and choice.file is not None and standing.name != choice.file.name:
        what = f"The option Add network to prompt names a second Hyper-SD file, {standing.name}"
        yield f"{what}: it was left out, {choice.name} is the one that counts."
