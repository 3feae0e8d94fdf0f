"""Styles and override settings of a request or of the page, read by the host's own functions."""

from collections.abc import Mapping, Sequence
from typing import Any

from modules import infotext_utils, shared


def styled(prompt: str, styles: Sequence[str], *, negative: bool = False) -> str:
    """A prompt with the chosen styles, as the host generates with; names that it does not know do nothing there.

    Without any the prompt stays as typed: Forge would cut comments here, which are the person's to keep.
    """
    if not styles:
        return prompt
    known = shared.prompt_styles
    apply = known.apply_negative_styles_to_prompt if negative else known.apply_styles_to_prompt
    return str(apply(prompt, list(styles)))


def without_styles(values: Mapping[str, Any]) -> dict[str, Any]:
    """What has to replace a request's fields besides its prompts once the styles are written out in those."""
    negatives = {
        name: styled(values[name], values["styles"], negative=True)
        for name in ("negative_prompt", "hr_negative_prompt")
        if name == "negative_prompt" or values.get(name)
    }
    return {**negatives, "styles": []}


def override_settings(chosen: Sequence[str] | None) -> Mapping[str, Any]:
    """The options that the page's override dropdown sets for a generation: "Clip skip: 2" and the like."""
    return dict(infotext_utils.create_override_settings_dict(list(chosen or ())))
