"""What a plan looks up it looks up once, however many tags a prompt has."""

from __future__ import annotations

from collections import Counter
from itertools import islice, product
from typing import Any

import pytest
from plans import build_request

from lib_hypersd.models import lora_index
from lib_hypersd.models.checkpoint import describe
from lib_hypersd.models.lora_index import LoraIndex
from lib_hypersd.plan.decide import Activation, decide
from lib_hypersd.plan.draft import Inputs
from lib_hypersd.plan.result import Plan
from lib_hypersd.request import prompt_tags, tag_rule

MANY = 2000


def decided(prompt: str, index: LoraIndex, activation: Activation) -> Plan | None:
    request = build_request(prompts=(prompt,), main_prompt=prompt, steps=20, cfg_scale=7.0, sampler_name="Euler a")
    return decide(Inputs(request, describe("dreamshaper", "sd15"), index), activation).plan


def spellings(name: str) -> list[str]:
    """A name in many mixtures of small and large letters."""
    pairs = [(c.lower(), c.upper()) if c.isalpha() else (c,) for c in name]
    return ["".join(letters) for letters in islice(product(*pairs), MANY)]


@pytest.mark.parametrize("by", ["settings", "tags"])
def test_each_file_is_looked_at_once(everything: LoraIndex, monkeypatch: pytest.MonkeyPatch, by: Any) -> None:
    looks: Counter[str] = Counter()

    def counted(path: str, read: Any = lora_index.read_header) -> Any:
        looks[path] += 1
        return read(path)

    monkeypatch.setattr(lora_index, "read_header", counted)
    prompt = "".join(f"<lora:{name}> " for name in (*spellings("hyper-sd15"), *spellings("hyper-sd15-4steps")))
    plan = decided(prompt, everything, Activation(by))
    assert plan is not None
    assert plan.active
    assert looks
    assert max(looks.values()) == 1


@pytest.mark.parametrize("by", ["settings", "tags"])
def test_each_prompt_is_read_once_and_each_name_understood_once(
    everything: LoraIndex, monkeypatch: pytest.MonkeyPatch, by: Any
) -> None:
    read: Counter[str] = Counter()
    understood: Counter[str] = Counter()

    def find_tags(prompt: str, find: Any = prompt_tags.find_tags, **syntax: Any) -> Any:
        read[prompt] += 1
        return find(prompt, **syntax)

    def meaning_of(name: str, *more: Any, mean: Any = tag_rule.meaning_of) -> Any:
        understood[name] += 1
        return mean(name, *more)

    monkeypatch.setattr(prompt_tags, "find_tags", find_tags)
    monkeypatch.setattr(tag_rule, "meaning_of", meaning_of)
    prompt = "a cat <lora:hyper-sd15-4steps> <lora:style:0.5> <lora:my-lightning> <lora:hyper-sd15-4steps>"
    decided(prompt, everything, Activation(by))
    assert read == {prompt: 1}
    assert understood == dict.fromkeys(("hyper-sd15-4steps", "style", "my-lightning"), 1)


def test_each_short_name_that_is_removed_is_named(everything: LoraIndex) -> None:
    names = spellings("hyper-sdxl-4steps")
    plan = decided("".join(f"<lora:{name}> " for name in names), everything, Activation("tags"))
    assert plan is not None
    assert plan.prompts == ("",)
    assert all(f"<lora:{name}>" in notice for name, notice in zip(names, plan.notices, strict=True))
