"""Off is off: bit-identical pictures and infotext."""

from __future__ import annotations

from ..scenario import drawn_as_stock, equal, only_fields, scenario
from ..target import Target


@scenario
def the_object_off_draws_as_stock(target: Target) -> None:
    stock, off = target.draw(), target.draw(hypersd={"enabled": False})
    drawn_as_stock(off, stock, "enabled false")
    equal(off.infotext.text, stock.infotext.text, "infotext")


@scenario
def off_draws_as_stock_right_after_an_active_run(target: Target) -> None:
    before = target.draw(fresh=True)
    target.draw(fresh=True, hypersd={"lora": target.quick.name})
    after = target.draw(fresh=True)
    drawn_as_stock(after, before, "after an active run")
    equal(after.infotext.text, before.infotext.text, "infotext")


@scenario
def off_ignores_every_other_value(target: Target) -> None:
    values = {"enabled": False, "lora": target.best.name, "steps": 2, "weight": 0.3, "cfg": 2, "hires": "always"}
    off = target.draw(hypersd=values)
    equal(off.infotext.text, target.draw().infotext.text, "infotext")
    drawn_as_stock(off, target.draw(), "off with values")


@scenario
def off_with_bad_values_still_draws_as_stock(target: Target) -> None:
    drawn_as_stock(target.draw(hypersd={"enabled": False, "steps": 99, "bogus": 1}), target.draw(), "off with nonsense")


@scenario
def off_leaves_hires_and_img2img_alone(target: Target) -> None:
    hires = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "None", "denoising_strength": 0.5}
    off, stock = target.draw(hypersd={"enabled": False}, **hires), target.draw(**hires)
    equal(off.infotext.text, stock.infotext.text, "hires infotext")
    drawn_as_stock(off, stock, "hires")
    over, stock_over = target.draw_over(hypersd={"enabled": False}), target.draw_over()
    equal(over.infotext.text, stock_over.infotext.text, "img2img infotext")
    drawn_as_stock(over, stock_over, "img2img")


@scenario
def a_batch_off_draws_as_stock(target: Target) -> None:
    off, stock = target.draw(hypersd={"enabled": False}, batch_size=2), target.draw(batch_size=2)
    equal([p.pixels for p in off.pictures], [p.pixels for p in stock.pictures], "pixels of both pictures")
    equal([i.text for i in off.infotexts], [i.text for i in stock.infotexts], "infotexts")
    only_fields(off, [], "a batch, off")
