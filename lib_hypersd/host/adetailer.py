"""ADetailer: a pass of its own over each picture, with this run's settings and, often, a prompt of its own.

It copies steps, CFG, sampler, schedule type and prompt of the run, so the plan reaches its pass without help. A prompt
that was typed for it has no tag, and the LoRA's steps and CFG would be used without the LoRA. Its arguments are dicts
whose keys its API publishes (`ad_prompt`, `ad_use_steps`, …).
"""

import re
from collections.abc import Sequence
from typing import Any

from ..request.tag_rule import TagRule

_SEPARATOR = re.compile(r"(\s*\[SEP\]\s*)")  # between the prompts for the first, second, … detection
_MAIN_PROMPT = "[PROMPT]"
_SKIP = "[SKIP]"


def with_tag(rule: TagRule, script_args: Sequence[Any]) -> Sequence[Any] | None:
    """The scripts' arguments with the tag in each prompt for an inner pass that needs it; None if none does.

    An empty prompt there means the main one, which has the tag. A pass with steps and CFG of its own stays as it is:
    nothing of the recipe is in it.
    """
    args = [_tagged(rule, arg) if isinstance(arg, dict) and arg.get("ad_prompt") else arg for arg in script_args]
    changed = any(a is not b for a, b in zip(args, script_args, strict=True))
    return type(script_args)(args) if changed else None  # type: ignore[call-arg]


def _tagged(rule: TagRule, arg: dict[str, Any]) -> dict[str, Any]:
    if arg.get("ad_use_steps") and arg.get("ad_use_cfg_scale"):
        return arg
    before = str(arg["ad_prompt"])
    parts = _SEPARATOR.split(before)
    parts[::2] = [_tagged_prompt(rule, part) for part in parts[::2]]
    after = "".join(parts)
    return arg if after == before else {**arg, "ad_prompt": after}


def _tagged_prompt(rule: TagRule, prompt: str) -> str:
    if not prompt or _MAIN_PROMPT in prompt or prompt.strip() == _SKIP:
        return prompt
    tagged = rule.apply(prompt)
    for_another_file = any(name in rule.reader.index for name in tagged.second)  # typed for this pass on purpose
    return prompt if for_another_file else tagged.prompt
