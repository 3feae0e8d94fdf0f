"""What a run leaves behind: nothing."""

from __future__ import annotations

from typing import Any

from ..scenario import SkippedError, check, drawn_as_stock, equal, scenario
from ..target import Target

HIRES = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "None", "denoising_strength": 0.55}


@scenario
def an_active_run_leaves_the_options(target: Target) -> None:
    before = target.options()
    name = target.quick.name
    target.draw(fresh=True, hypersd={"lora": name})
    target.draw(fresh=True, hypersd={"lora": name}, **HIRES)
    target.draw_over(fresh=True, hypersd={"lora": name})
    target.draw(fresh=True, hypersd={"bogus": 1})
    equal(target.options(), before, "options")


@scenario
def a_run_that_the_host_breaks_off_leaves_nothing(target: Target) -> None:
    before, stock = target.options(), target.draw(fresh=True)
    reply = target.try_to_draw(hypersd={"lora": target.quick.name}, script_name="no such script")
    if reply.status == 200:
        raise SkippedError("the host draws with an unknown script")
    target.try_to_draw(hypersd={"lora": target.quick.name, "sampler": "keep"}, sampler_name="no such sampler")
    equal(target.options(), before, "options")
    after = target.draw(fresh=True)
    equal(after.infotext.text, stock.infotext.text, "infotext of the next stock run")
    drawn_as_stock(after, stock, "the next stock run")


@scenario
def override_settings_are_put_back(target: Target) -> None:
    # The option was set once by name, so that the host itself knows what to put back.
    with target.option("hypersd_prompt_tags", target.option_value("hypersd_prompt_tags")):
        before = target.options()
        drawn = target.draw(
            prompt=f"a cat <lora:Hyper-{target.family.upper()}>", override_settings={"hypersd_prompt_tags": "none"}
        )
        equal(target.options(), before, "options")
        equal(drawn.infotext.own(), {}, "an alias under the option none")
        aliased = target.draw(prompt=f"a cat <lora:Hyper-{target.family.upper()}>")
        equal(aliased.infotext.own().get("Hyper-SD"), target.best.name, "the next request")


@scenario
def one_requests_values_do_not_reach_the_next(target: Target) -> None:
    plain = target.draw(fresh=True, hypersd={"lora": target.quick.name})
    target.draw(fresh=True, hypersd={"lora": target.quick.name, "weight": 0.3, "steps": 3, "cfg": 4, "sampler": "Heun"})
    target.draw(fresh=True, hypersd={"bogus": 1}, negative_prompt="blur")
    again = target.draw(fresh=True, hypersd={"lora": target.quick.name})
    equal(again.infotext.text, plain.infotext.text, "infotext")
    equal(again.picture.pixels == plain.picture.pixels, True, "equal pixels")


@scenario
def the_answer_echoes_the_request_unchanged(target: Target) -> None:
    hypersd = {"lora": target.quick.name}
    reply = target.try_to_draw(hypersd=hypersd)
    echoed = reply.json()["parameters"]
    equal(echoed["prompt"], target.request()["prompt"], "prompt")
    equal(echoed["alwayson_scripts"], {"Hyper-SD": {"args": [hypersd]}}, "alwayson_scripts")


@scenario
def an_active_run_evaluates_once_a_step(target: Target) -> None:
    if target.client.send("GET", "/miniwebui/v1/stats").status != 200:
        raise SkippedError("the host does not count its evaluations")

    def evaluations(**fields: Any) -> int:
        before = target.client.get("/miniwebui/v1/stats")["evaluations"]
        target.draw(fresh=True, **fields)
        return int(target.client.get("/miniwebui/v1/stats")["evaluations"]) - int(before)

    quick, stock_steps = target.quick, target.request()["steps"]
    # A1111 evaluates the negative prompt at CFG 1 too, unless it is told to leave it out.
    each = {1, 2} if target.is_a1111 else {1}
    tuned = target.plan({"lora": quick.name}, **HIRES).values["hr_second_pass_steps"] or quick.steps
    for steps, fields in ((quick.steps, {}), (quick.steps + tuned, HIRES)):
        got = evaluations(hypersd={"lora": quick.name}, negative_prompt="blur", **fields)
        check(got in {steps * n for n in each}, f"{got} evaluations of {steps} steps at CFG 1")
    stock = evaluations(negative_prompt="blur")
    # Forge Classic draws the first step without guidance, with any CFG.
    check(stock in (2 * stock_steps, 2 * stock_steps - 1), f"{stock} evaluations of {stock_steps} steps of stock")
