"""img2img and inpaint: steps so that the evaluated ones are what the recipe means."""

from __future__ import annotations

from typing import Any

from ..client import Drawn
from ..published import HIRES_NUDGE, SCHEDULER, clamped, second_pass, tags
from ..scenario import check, equal, near, same_picture, scenario
from ..target import Target


@scenario
def img2img_draws_by_the_recipe(target: Target) -> None:
    quick = target.quick
    drawn = target.draw_over(hypersd={"lora": quick.name})
    fields = drawn.infotext.fields
    equal(tags(drawn.infotext.prompt), tags(quick.tag), "tags")
    equal(int(fields["Steps"]), quick.steps, "Steps")
    equal((fields["Sampler"], fields.get("Schedule type")), ("Euler", SCHEDULER), "sampler and schedule")
    near(float(fields["CFG scale"]), clamped(7.0, quick.cfg), "CFG scale")
    near(float(fields["Denoising strength"]), 0.55, "denoise")


def settled(target: Target, **request: Any) -> Drawn:
    """The second of two equal requests: the hosts encode the init image with whatever noise the one before has left."""
    target.draw_over(fresh=True, **request)
    return target.draw_over(fresh=True, **request)


@scenario
def img2img_equals_the_same_by_hand(target: Target) -> None:
    drawn = settled(target, hypersd={"lora": target.quick.name})
    again = settled(target, hypersd={"enabled": False}, **target.pasted(drawn.infotext))
    same_picture(again.picture, drawn.picture, "by hand", target.tolerance)


@scenario
def inpaint_equals_the_same_by_hand(target: Target) -> None:
    drawn = settled(target, hypersd={"lora": target.quick.name}, mask=True)
    check("Hyper-SD" in drawn.infotext.own(), "active in inpaint")
    again = settled(target, hypersd={"enabled": False}, mask=True, **target.pasted(drawn.infotext))
    same_picture(again.picture, drawn.picture, "by hand", target.tolerance)
    whole = target.draw_over(hypersd={"lora": target.quick.name})
    check(drawn.picture.distance(whole.picture) > 0, "the mask has an effect")


@scenario
def exact_steps_land_on_trained_timesteps(target: Target) -> None:
    steps = target.best.steps
    with target.option("img2img_fix_steps", True):
        for denoise in (0.3, 0.55, 0.75):
            fields = target.draw_over(hypersd={"lora": target.best.name}, denoising_strength=denoise).infotext.fields
            k, nudged = int(fields["Steps"]), float(fields["Denoising strength"])
            near(nudged, denoise, f"denoise {denoise}", HIRES_NUDGE + 1e-6)
            if second_pass(steps, denoise):
                equal(int(k / min(nudged, 0.999)), steps, f"schedule at denoise {denoise}, {k} steps at {nudged}")


@scenario
def img2img_twice_equals_once(target: Target) -> None:
    hypersd = {"lora": target.quick.name}
    drawn = target.draw_over(hypersd=hypersd)
    again = target.draw_over(hypersd=hypersd, **target.pasted(drawn.infotext))
    same_picture(again.picture, drawn.picture, "applied twice")
    equal(again.infotext.foreign(), drawn.infotext.foreign(), "the host's fields")


@scenario
def an_alias_works_in_img2img(target: Target) -> None:
    drawn = target.draw_over(prompt=f"a red circle <lora:Hyper-{target.family.upper()}>")
    equal(drawn.infotext.own().get("Hyper-SD"), target.best.name, "Hyper-SD")


@scenario
def a_batch_in_img2img_gets_every_tag(target: Target) -> None:
    drawn = target.draw_over(hypersd={"lora": target.quick.name}, batch_size=2)
    equal([tags(i.prompt) for i in drawn.infotexts], [tags(target.quick.tag)] * 2, "tags")
