"""The modules of a LoRA file by its tensors' names, in the spellings of kohya, diffusers and PEFT."""

from collections.abc import Container, Iterable, Mapping

_UP: Mapping[str, str] = {
    ".lora_up.weight": ".lora_down.weight",
    "_lora.up.weight": "_lora.down.weight",
    ".lora_B.weight": ".lora_A.weight",
    ".lora.up.weight": ".lora.down.weight",
    ".lora_linear_layer.up.weight": ".lora_linear_layer.down.weight",
    ".lora_B.default.weight": ".lora_A.default.weight",
    ".lora_B": ".lora_A",
}
"""How the names of a pair's two halves end: up, and the down that belongs to it."""
_OTHER = {**_UP, **{down: up for up, down in _UP.items()}}
_TEXT_ENCODER = ("lora_te", "text_encoder", "lora_prior_te")


def module_names(names: Iterable[str]) -> tuple[str, ...]:
    """The modules of the net that a file changes, by what their tensors' names begin with."""
    return tuple(name for name in _pairs(names) if not name.startswith(_TEXT_ENCODER))


def changes_text_encoder(names: Iterable[str]) -> bool:
    """Whether a file changes a text encoder, too."""
    return any(name.startswith(_TEXT_ENCODER) for name in names)


def flaw(shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    """What makes a file unusable as a LoRA, to be put after its name, or None.

    A file without any whole pair may be of a kind that is not known here.
    """
    halves = [(name, name.removesuffix(end), end) for name in shapes for end in _OTHER if name.endswith(end)]
    lonely = [name for name, module, end in halves if module + _OTHER[end] not in shapes]
    if lonely and len(lonely) < len(halves):
        return f"lacks one half of a pair, that of {lonely[0]}"
    empty = (name for name, _, _ in halves if len(shapes[name]) < 2 or not all(shapes[name]))
    found = next(empty, None)
    return f"has a tensor without values, {found}" if found else None


def halves_of(module: str, names: Container[str]) -> tuple[str, str] | None:
    """The names of a module's two halves, up and down, among a file's tensors."""
    return next(((module + up, module + down) for up, down in _UP.items() if module + up in names), None)


def _pairs(names: Iterable[str]) -> list[str]:
    return [name.removesuffix(end) for name in names for end in _UP if name.endswith(end)]
