"""Long inputs take time in proportion to their length, whatever they are made of.

Each reader gets texts of a quarter of a million characters, whole, under a bound on CPU time that is several times what
any needs, and a small part of what a reader of quadratic time would need.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice, product
from types import FrameType
from typing import Any

import pytest
from fuzz.budget import FACTOR
from test_fuzz_tags import SYNTAXES

from lib_hypersd.models import catalog, checkpoint, evidence, families, names
from lib_hypersd.models.lora_index import LoraIndex
from lib_hypersd.panel import paste as infotext
from lib_hypersd.plan import infotext as plan_texts
from lib_hypersd.plan.decide import Activation, decide
from lib_hypersd.plan.draft import Inputs
from lib_hypersd.plan.make import make_plan, plan_for_tags
from lib_hypersd.plan.result import Plan
from lib_hypersd.request import prompt_tags, tag_rule
from lib_hypersd.request.preferences import Preferences
from lib_hypersd.request.request import Request
from lib_hypersd.request.settings import KEYS, Settings, SettingsError, as_typed, from_object
from lib_hypersd.text import echo

LENGTH = 250_000
CPU_SECONDS = 6
ENDS = ("x", "=8>")


def _prompts(index: LoraIndex) -> Callable[[str], object]:
    def read(text: str) -> None:
        reader = tag_rule.TagReader(tag_rule.Lookups(index.as_of_now()), "sd15")
        rule = tag_rule.TagRule(reader, index.files[0], "<lora:a:1>", 1.0)
        for comments in SYNTAXES:
            tags = prompt_tags.find_tags(text, comments=comments)
            prompt_tags.edit(text, [(tag, "") for tag in tags])
            prompt_tags.append(text, "<lora:a:1>", comments=comments)
        rule.apply(text)
        reader.first_typed([text])
        reader.unlisted([text])

    return read


def _plan(make: Callable[[Inputs], Plan], index: LoraIndex) -> Callable[[str], object]:
    def read(text: str) -> None:
        request = Request(
            prompts=(text,), main_prompt=text, steps=20, cfg_scale=7.0, sampler_name="Euler", scheduler="Automatic"
        )
        plan = make(Inputs(request, checkpoint.describe("model", "sd15"), index))
        plan_texts.entries(plan)
        plan_texts.comment(plan)

    return read


def _plans(index: LoraIndex) -> list[Callable[[str], object]]:
    """A plan by the panel and one by tags, with all files here, and with none."""
    kinds: tuple[Callable[[Inputs], Plan], ...] = (lambda inputs: make_plan(inputs, Settings()), plan_for_tags)
    return [_plan(make, files) for make in kinds for files in (index, LoraIndex())]


def _plan_short_names(index: LoraIndex, short_name: str) -> None:
    """Plans of both kinds for a prompt in which each tag is another spelling of an alias."""
    pairs = [(c.lower(), c.upper()) if c.isalpha() else (c,) for c in short_name]
    names = islice(product(*pairs), 2**20 // len(f"<lora:{short_name}> "))  # as many as a body can hold
    prompt = "".join(f"<lora:{''.join(letters)}> " for letters in names)
    request = Request((prompt,), prompt, 20, 7.0, "Euler a")
    for activation in (Activation("settings"), Activation("tags")):
        decide(Inputs(request, checkpoint.describe("dreamshaper", "sd15"), index), activation)


def _names(text: str) -> None:
    catalog.parse_alias(text)
    names.read_name(text)
    for start in range(0, 30 * names.MAX_NAME, names.MAX_NAME):
        names.read_name(text[start : start + names.MAX_NAME])
    families.architecture_of_name(text)
    checkpoint.describe(text, "sdxl")
    evidence.architecture_of_lora({text: (4, 768)})
    evidence.architecture_of_checkpoint({text: (4, 768)})


def _settings(text: str) -> None:
    for key in KEYS:
        for read in (lambda key=key: as_typed(key, text), lambda key=key: from_object({key: text, text: 1})):
            try:
                read()
            except SettingsError:
                pass
    echo([text])


def _preferences(text: str) -> None:
    Preferences.read({"sd15": [text]}, f"sdxl: weight {text}\n{text}\n{text}: cfg 1\nsdxl: range {text}-{text}")


def _paste(text: str) -> None:
    for key in KEYS:
        infotext.panel_value(key, dict.fromkeys(("Hyper-SD", "Prompt", "Steps", "Hires upscale", "CFG scale"), text))
    infotext.panel_eta({"Hyper-SD eta": text}, None)


class _TooLongError(BaseException):
    """No reader must take it for an error of its own."""


@contextmanager
def cpu_bound() -> Iterator[None]:
    def too_much(_number: int, _frame: FrameType | None) -> Any:
        raise _TooLongError

    before, is_late = signal.signal(signal.SIGVTALRM, too_much), False
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
    try:
        yield
    except _TooLongError:  # its traceback may end at no line at all, which pytest can't show
        is_late = True
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    if is_late:
        pytest.fail(f"more than {CPU_SECONDS} s of CPU time")


_TAGS = (
    "<lora:",
    "<lora:a>#\n",
    "<lora:hyper-sd15> ",
    "<lora:a>/**/",
    "/* ",
    "/**/",
    "//",
    "#",
    "<",
    "<l",
    "a:",
    ":=",
    " ",
)
_NAMES = (
    "hyper",
    "hyper-sd",
    "hyper-8s",
    "-sd3s",
    "lcm",
    "turboT",
    "1",
    "9 ",
    "attn2_to_k.lora_down.weight",
    "_1.attn",
)
_NUMBERS = ("1", "1.", ".1", "1e", "9-", "- ", " ", "1,", "1 - 1, ", "sdxl: weight 1\n", "\n", ":", "\u0663", "keep")
_TAGGED = (
    "<lora:hyper-sd15> ",
    "<lora:hyper-sdxl-{}step> ",
    "<lora:hyper-sd15-{}steps-cfg> ",
    "<lora:{}> ",
    "<lora:{}/Hyper-SD15-4steps-lora> ",
    "<lora:Hyper-SD15-8steps-lora:{}> ",
)
""" "{}" is a number that differs from tag to tag."""
READERS = {
    "prompts": (*_TAGS, *_TAGGED),
    "plans": _TAGGED,
    "names": _NAMES,
    "settings": _NUMBERS,
    "preferences": _NUMBERS,
    "paste": (*_TAGS, *_NUMBERS),
}


@pytest.mark.parametrize("reader", READERS)
def test_time_grows_with_the_length_alone(reader: str, everything: LoraIndex) -> None:
    known = {"names": [_names], "settings": [_settings], "preferences": [_preferences], "paste": [_paste]}
    known |= {"prompts": [_prompts(everything)], "plans": _plans(everything)}
    texts = list(product(READERS[reader], ENDS[:1] if reader == "plans" else ENDS))
    for unit, end in texts[:: round(1 / min(FACTOR, 1))]:  # with a factor below 1 that part of them
        text = _long(unit, 2 * LENGTH if reader == "plans" else LENGTH) + end
        for read in known[reader]:
            with cpu_bound():
                read(text)


def _long(unit: str, length: int) -> str:
    if "{}" not in unit:
        return unit * (length // len(unit))
    return "".join(unit.format(number) for number in range(length // (len(unit) + 3)))


@pytest.mark.parametrize("short_name", ["hyper-sd15-4steps-lora", "hyper-sdxl-4steps-lora"])
def test_a_plan_for_many_short_names_takes_time_by_their_number_alone(short_name: str, everything: LoraIndex) -> None:
    with cpu_bound():
        _plan_short_names(everything, short_name)
