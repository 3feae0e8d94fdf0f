"""Once is enough: applied to its own result it changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from ..scenario import SkippedError, all_of, equal, failure_of, same_picture, scenario
from ..target import Target

HIRES = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "None", "denoising_strength": 0.55}
OBJECTS = (
    {},
    {"steps": 3},
    {"cfg": "recipe"},
    {"cfg": "keep", "sampler": "keep", "scheduler": "keep", "steps": "keep"},
    {"cfg": 2.5, "weight": 0.3},
    {"lora": "none"},
    {"lora": "none", "steps": 5},
    {"weight": -0.5},
    {"hires": "always"},
    {"hires": "always", "hires_denoise": 0.3, "hires_steps": 3, "hires_scale": 1.25, "hires_upscaler": "listed"},
    {"hires": "keep"},
)
MANY = 20
REQUESTS = (
    {},
    {"prompt": ""},
    {"prompt": "a cat # with a comment"},
    {"prompt": "one\ntwo, BREAK three AND four", "negative_prompt": "blur"},
    HIRES,
    HIRES | {"denoising_strength": 0.3, "hr_second_pass_steps": 11, "hr_prompt": "a blue circle"},
)


@scenario
def a_plan_of_its_own_result_changes_nothing(target: Target) -> None:
    def failures() -> Iterator[str]:
        for hypersd in OBJECTS:
            for request in REQUESTS:
                yield failure_of(lambda o=hypersd, r=request: _twice(target, o, r))

    all_of(failures())


def _twice(target: Target, hypersd: dict[str, object], request: dict[str, object]) -> None:
    if "hires_upscaler" in hypersd:
        hypersd = hypersd | {"hires_upscaler": target.upscaler}
    what = f"{hypersd} on {request}"
    first = target.plan(hypersd, **request)
    result = {key: value for key, value in first.values.items() if target.has_field(key)}
    second = target.plan(hypersd, **(request | result))
    equal([(c.field, c.old, c.new) for c in second.changes], [], f"{what}: changes of the second plan")
    equal({key: second.values[key] for key in first.values}, first.values, f"{what}: values of the second plan")


@scenario
def a_plan_of_its_own_result_changes_nothing_on_any_checkpoint(target: Target) -> None:
    def failures() -> Iterator[str]:
        for title in target.checkpoints.values():
            override = {"override_settings": {"sd_model_checkpoint": title}}
            for hypersd in ({}, {"lora": "none"}, {"hires": "always"}, {"cfg": "recipe", "distilled_cfg": "recipe"}):
                yield failure_of(lambda o=hypersd, r=override: _twice(target, o, r))
                yield failure_of(lambda o=hypersd, r=override | HIRES: _twice(target, o, r))

    if len(target.checkpoints) > MANY:
        raise SkippedError(f"the target has {len(target.checkpoints)} checkpoints")
    all_of(failures())


@scenario
def a_generation_of_its_own_result_draws_the_same(target: Target) -> None:
    hypersd = {"lora": target.quick.name}
    first = target.draw(hypersd=hypersd)
    second = target.draw(hypersd=hypersd, **target.pasted(first.infotext))
    same_picture(second.picture, first.picture, "applied twice")
    equal(second.infotext.prompt, first.infotext.prompt, "prompt")
    equal(second.infotext.foreign(), first.infotext.foreign(), "the host's fields")
    equal(second.infotext.own().get("Hyper-SD changes"), None, "changes of the second run")


@scenario
def a_generation_of_its_own_hires_result_draws_the_same(target: Target) -> None:
    hypersd = {"lora": target.quick.name}
    first = target.draw(hypersd=hypersd, **HIRES)
    second = target.draw(hypersd=hypersd, **target.pasted(first.infotext))
    same_picture(second.picture, first.picture, "applied twice")
    equal(second.infotext.foreign(), first.infotext.foreign(), "the host's fields")
