"""The added sampler and schedule types by the page's own fields: lists, noise, passes, plots, progress."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..added_sampling import (
    BY_PAGE,
    ETA_OPTION,
    HIRES,
    MOST_STEPS,
    ONE_STEP_UNET,
    TCD,
    counts,
    eta_of,
    named,
    need_noise_levels,
    redrawn,
)
from ..client import Drawn
from ..published import SCHEDULER
from ..scenario import (
    SkippedError,
    check,
    drawn_as_stock,
    equal,
    near,
    only_fields,
    other_picture,
    same_picture,
    scenario,
)
from ..target import Target
from .families import with_checkpoint
from .host_scripts import axis, cells
from .image_to_image import settled

BATCH_TOLERANCE = 3  # a net adds up a batch's numbers in another order


@scenario
def the_hosts_lists_have_the_sampler_and_the_schedules_once(target: Target) -> None:
    samplers = [sampler["name"] for sampler in target.client.get("/sdapi/v1/samplers")]
    check(samplers[0] != TCD, f"the default stays first: {samplers[0]}")
    if not target.has_schedule_types:
        equal([samplers.count(TCD), samplers.count(ONE_STEP_UNET)], [1, 1], "entries")
        return
    schedulers = target.client.get("/sdapi/v1/schedulers")
    labels = [scheduler["label"] for scheduler in schedulers]
    equal([samplers.count(TCD), labels.count(TCD), labels.count(ONE_STEP_UNET)], [1, 1, 1], "entries")
    check(labels[0] == "Automatic", f"the default stays first: {labels[0]}")
    own = [s for s in schedulers if s["label"] in (TCD, ONE_STEP_UNET)]
    names = [name for s in own for name in (s["name"], s["label"], *(s["aliases"] or []))]
    cut = [name for name in names if TCD.lower().endswith(" " + name.lower())]
    equal(cut, [], "names that the hosts would cut off the end of the sampler's")


@scenario
def status_tells_the_sampler_and_the_schedules(target: Target) -> None:
    schedules = [TCD, ONE_STEP_UNET]
    wanted = ([TCD], schedules) if target.has_schedule_types else (schedules, [])
    equal((target.status["samplers"], target.status["schedulers"]), wanted, "samplers and schedules")


@scenario
def the_pages_lists_have_them(target: Target) -> None:
    reply = target.client.send("GET", "/config")
    if reply.status != 200:
        raise SkippedError(f"the page's config answers {reply.status}")
    choices = {c["props"].get("elem_id"): str(c["props"].get("choices")) for c in reply.json()["components"]}
    tabs = ("txt2img", "img2img")
    of_samplers = ["hr_sampler", *(f"{t}_sampling" for t in tabs), *(f"hypersd_{t}_sampler" for t in tabs)]
    of_schedules = ["hr_scheduler", *(f"{t}_scheduler" for t in tabs), *(f"hypersd_{t}_scheduler" for t in tabs)]
    if not target.has_schedule_types:
        of_schedules = of_samplers
    wanted = [(name, TCD) for name in (*of_samplers, *of_schedules)] + [(name, ONE_STEP_UNET) for name in of_schedules]
    missing = [(name, entry) for name, entry in wanted if name in choices and f"'{entry}'" not in choices[name]]
    equal(missing, [], "lists without an entry")
    check("txt2img_sampling" in choices, f"no list of samplers in the page: {sorted(filter(None, choices))}")


@scenario
def the_sampler_draws_with_the_panel_off_and_tells_its_eta(target: Target) -> None:
    need_noise_levels(target)
    drawn, off = target.draw(**BY_PAGE), target.draw(hypersd={"enabled": False}, **BY_PAGE)
    near(eta_of(drawn.infotext), 0.3, "eta")
    equal(named(drawn), (TCD, TCD), "sampler and schedule")
    equal(sorted(set(drawn.infotext.own()) - {"Hyper-SD notice"}), ["Hyper-SD eta"], "the extension's fields")
    same_picture(off.picture, drawn.picture, "the object off")
    equal(off.infotext.text, drawn.infotext.text, "infotext of the object off")
    other_picture(drawn.picture, target.draw(**(BY_PAGE | {"sampler_name": "Euler"})).picture, "TCD and Euler")


@scenario
def other_samplers_tell_no_eta(target: Target) -> None:
    schedule = TCD if target.has_schedule_types else SCHEDULER
    drawn = target.draw(**(BY_PAGE | {"sampler_name": "Euler", "scheduler": schedule}))
    check("Hyper-SD eta" not in drawn.infotext.own(), f"eta of Euler: {drawn.infotext.own()}")
    only_fields(target.draw(), [], "a stock picture")


@scenario
def automatic_is_the_samplers_own_schedule(target: Target) -> None:
    need_noise_levels(target)
    automatic, by_name = target.draw(**BY_PAGE), target.draw(**(BY_PAGE | {"scheduler": TCD}))
    same_picture(automatic.picture, by_name.picture, "Automatic and by name")
    equal(automatic.infotext.text, by_name.infotext.text, "infotext")
    if not target.has_schedule_types:
        return
    other = target.draw(**(BY_PAGE | {"scheduler": "SGM Uniform"}))
    equal(named(other), (TCD, "SGM Uniform"), "another schedule")
    other_picture(other.picture, automatic.picture, "another schedule")


@scenario
def the_schedules_serve_other_samplers(target: Target) -> None:
    need_noise_levels(target)
    target.need_schedule_types()
    pictures = []
    for scheduler in (TCD, ONE_STEP_UNET, "SGM Uniform"):
        drawn = target.draw(**(BY_PAGE | {"sampler_name": "Euler", "scheduler": scheduler}))
        equal(named(drawn), ("Euler", scheduler), "sampler and schedule")
        pictures.append(drawn.picture.pixels)
    equal(len(set(pictures)), 3, "different pictures")


@scenario
def the_net_is_given_the_published_timesteps(target: Target) -> None:
    need_noise_levels(target)
    if not counts(target):
        raise SkippedError("the host does not count its evaluations")

    def one(page: dict[str, Any], wanted: list[int]) -> None:
        target.draw(fresh=True, **(BY_PAGE | page))
        got = target.client.get("/miniwebui/v1/stats")["timesteps"]
        equal([round(t, 1) for t in got], wanted, f"timesteps of {page}")

    euler = {"sampler_name": "Euler a", "scheduler": ONE_STEP_UNET}
    second = HIRES | {"steps": 1, "hr_second_pass_steps": 5, "denoising_strength": 0.56}
    one({"steps": 8}, [999, 879, 759, 639, 499, 379, 259, 139])
    one({"steps": 4}, [999, 759, 499, 259])
    one({"steps": 1}, [999])
    one(second, [999, 639, 499, 379, 259, 139])
    one(euler | {"steps": 1}, [800])
    one(euler | {"steps": 4}, [800, 600, 400, 200])


@scenario
def other_models_with_noise_levels_are_drawn_too(target: Target) -> None:
    found = False
    for family in ("sd15", "sdxl", "sd21"):
        if family == target.family:
            continue
        try:
            on = with_checkpoint(target.checkpoint(family))
        except SkippedError:
            continue
        found = True
        drawn = target.draw(**BY_PAGE, **on)
        equal(named(drawn), (TCD, TCD), f"{family}: sampler and schedule")
        only_fields(drawn, ["Hyper-SD eta"], family)
    if not found:
        raise SkippedError("the target has one such checkpoint only")


@scenario
def it_starts_from_noise_of_variance_one(target: Target) -> None:
    need_noise_levels(target)
    pages = (BY_PAGE, BY_PAGE | {"sampler_name": "Euler a", "scheduler": ONE_STEP_UNET})
    plain = [target.draw(**page) for page in pages]
    with target.option("sgm_noise_multiplier", True):
        for drawn, page in zip(plain, pages, strict=True):
            same_picture(target.draw(**page).picture, drawn.picture, f"with the option: {page}", 1)


@scenario
def a_batch_is_its_single_pictures(target: Target) -> None:
    need_noise_levels(target)
    page = BY_PAGE | {"override_settings": {ETA_OPTION: 1.0}}  # all noise is drawn anew
    batch = target.draw(batch_size=4, **page)
    equal(len({picture.pixels for picture in batch.pictures}), 4, "different pictures")
    for i, picture in enumerate(batch.pictures):
        seeds = {"seed": 7 + i, "subseed": 7 + i}
        same_picture(picture, target.draw(**page, **seeds).picture, f"picture {i} of the batch", BATCH_TOLERANCE)


@scenario
def a_batch_count_draws_as_a_batch_size(target: Target) -> None:
    need_noise_levels(target)
    batch, count = target.draw(batch_size=2, **BY_PAGE), target.draw(n_iter=2, **BY_PAGE)
    for i, (one, other) in enumerate(zip(batch.pictures, count.pictures, strict=True)):
        same_picture(one, other, f"picture {i}", BATCH_TOLERANCE)
    equal([eta_of(infotext) for infotext in count.infotexts], [0.3, 0.3], "eta of each picture")


@scenario
def the_noise_seed_delta_holds_and_is_told(target: Target) -> None:
    need_noise_levels(target)
    page = BY_PAGE | {"override_settings": {ETA_OPTION: 1.0}}
    plain = target.draw(**page)
    with target.option("eta_noise_seed_delta", 31337):
        shifted = target.draw(**page)
        equal(shifted.infotext.fields.get("ENSD"), "31337", "ENSD")
    other_picture(shifted.picture, plain.picture, "another noise seed delta")
    check("ENSD" not in plain.infotext.fields, "no ENSD without one")


@scenario
def two_prompts_joined_by_and_are_both_drawn(target: Target) -> None:
    need_noise_levels(target)
    one = target.draw(**BY_PAGE, prompt="a red circle")
    both = target.draw(**BY_PAGE, prompt="a red circle AND a blue square :0.7")
    other_picture(both.picture, one.picture, "AND")
    batch = target.draw(**BY_PAGE, prompt="a red circle AND a blue square :0.7", batch_size=2)
    same_picture(batch.picture, both.picture, "AND in a batch", BATCH_TOLERANCE)


@scenario
def img2img_draws_with_the_sampler(target: Target) -> None:
    need_noise_levels(target)
    page = BY_PAGE | {"denoising_strength": 0.6}
    drawn = settled(target, **page)
    equal(named(drawn), (TCD, TCD), "sampler and schedule")
    near(eta_of(drawn.infotext), 0.3, "eta")
    again = settled(target, hypersd={"enabled": False}, **target.pasted(drawn.infotext))
    same_picture(again.picture, drawn.picture, "from its infotext", target.tolerance)
    other_picture(settled(target, **(page | {"sampler_name": "Euler"})).picture, drawn.picture, "TCD and Euler")


@scenario
def inpaint_draws_inside_the_mask_alone(target: Target) -> None:
    need_noise_levels(target)
    page = BY_PAGE | {"mask_blur": 0, "denoising_strength": 1.0, "inpaint_full_res": False}
    tcd, euler = target.draw_over(mask=True, **page), target.draw_over(mask=True, **(page | {"sampler_name": "Euler"}))
    width, height = tcd.picture.size

    def half(drawn: Drawn, start: int, end: int) -> list[bytes]:
        rows = (drawn.picture.pixels[3 * width * y : 3 * width * (y + 1)] for y in range(height))
        return [row[3 * start : 3 * end] for row in rows]

    margin = width // 8
    kept = (width // 2 + margin, width)
    equal(half(tcd, *kept) == half(euler, *kept), True, "outside the mask the picture is the given one")
    equal(half(tcd, 0, width // 2) == half(euler, 0, width // 2), False, "inside it is the sampler's")


@scenario
def a_hires_pass_may_have_the_sampler_for_itself(target: Target) -> None:
    need_noise_levels(target)
    target.need_field("hr_sampler_name")
    own = {"hr_sampler_name": TCD, "hr_scheduler": "Automatic", "hr_second_pass_steps": 2}
    euler = {"sampler_name": "Euler", "scheduler": "SGM Uniform", "steps": 2, "cfg_scale": 1.0}
    drawn = target.draw(**euler, **HIRES, **own)
    equal(drawn.infotext.fields.get("Hires sampler"), TCD, "Hires sampler")
    equal(drawn.infotext.fields.get("Hires schedule type"), TCD, "Hires schedule type")
    near(eta_of(drawn.infotext), 0.3, "eta")
    same_picture(redrawn(target, drawn).picture, drawn.picture, "from its infotext", target.tolerance)
    other = target.draw(**euler, **HIRES, **(own | {"hr_sampler_name": "Euler"}))
    other_picture(other.picture, drawn.picture, "TCD and Euler in the second pass")


@scenario
def a_hires_pass_takes_the_first_ones_sampler(target: Target) -> None:
    need_noise_levels(target)
    drawn = target.draw(**BY_PAGE, **HIRES, hr_second_pass_steps=2)
    for field in ("Hires sampler", "Hires schedule type"):
        check(field not in drawn.infotext.fields, f"{field}: {drawn.infotext.fields}")
    same_picture(redrawn(target, drawn).picture, drawn.picture, "from its infotext", target.tolerance)


@scenario
def a_sampler_axis_may_have_it(target: Target) -> None:
    need_noise_levels(target)
    got = cells(target, 2, **(BY_PAGE | {"sampler_name": "Euler"}), **axis(target, "Sampler", f"{TCD},Euler"))
    equal([cell["Sampler"] for cell in got], [TCD, "Euler"], "Sampler")
    equal(["Hyper-SD eta" in cell for cell in got], [True, False], "eta; all cells share one dict of fields")
    active = cells(target, 2, hypersd={"lora": target.quick.name}, **axis(target, "Sampler", f"{TCD},Euler"))
    stock = ("Euler", SCHEDULER if target.has_schedule_types else None)
    equal([(c["Sampler"], c.get("Schedule type")) for c in active], [(TCD, TCD), stock], "cells of a plan")


@scenario
def a_schedule_axis_may_have_them(target: Target) -> None:
    need_noise_levels(target)
    target.need_schedule_types()
    axes = axis(target, "Schedule type", f"{TCD},{ONE_STEP_UNET},SGM Uniform")
    got = cells(target, 3, **(BY_PAGE | {"sampler_name": "Euler"}), **axes)
    equal([cell.get("Schedule type") for cell in got], [TCD, ONE_STEP_UNET, "SGM Uniform"], "Schedule type")


@scenario
def a_hires_sampler_axis_may_have_it(target: Target) -> None:
    need_noise_levels(target)
    page = BY_PAGE | HIRES | {"sampler_name": "Euler", "hr_second_pass_steps": 1}
    got = cells(target, 2, **page, **axis(target, "Hires sampler", f"{TCD},Heun"))
    equal([cell.get("Hires sampler") for cell in got], [TCD, "Heun"], "Hires sampler")


def while_it_draws(target: Target, step: int, act: Callable[[dict[str, Any]], bool]) -> Drawn:
    """Draw in the background and give `act` each progress answer from `step` on, until it is content."""
    quick = counts(target)
    size = 4 * target.size if quick else target.size
    page = BY_PAGE | {"steps": MOST_STEPS if quick else 6, "width": size, "height": size}
    with ThreadPoolExecutor(1) as pool:
        drawing = pool.submit(target.draw, fresh=True, **page)
        while not drawing.done():
            progress = target.client.get("/sdapi/v1/progress?skip_current_image=false")
            if progress["state"]["sampling_step"] >= step and act(progress):
                break
        return drawing.result()


@scenario
def progress_and_preview_are_shown(target: Target) -> None:
    need_noise_levels(target)
    seen: list[dict[str, Any]] = []

    def has_picture(progress: dict[str, Any]) -> bool:
        seen.append(progress)
        return bool(progress["current_image"])

    with target.option("show_progress_every_n_steps", 1), target.option("show_progress_type", "Approx cheap"):
        drawn = while_it_draws(target, 1, has_picture)
    check(seen and seen[-1]["current_image"], f"a preview in {len(seen)} answers")
    equal(seen[-1]["state"]["sampling_steps"], int(drawn.infotext.fields["Steps"]), "steps of the progress")


@scenario
def an_interrupted_run_gives_its_picture_and_leaves_nothing(target: Target) -> None:
    need_noise_levels(target)
    before, stock = target.draw(fresh=True, **BY_PAGE), target.draw(fresh=True)

    def interrupt(_: dict[str, Any]) -> bool:
        target.client.post("/sdapi/v1/interrupt", {})
        return True

    interrupted, whole = while_it_draws(target, 1, interrupt), while_it_draws(target, 1, lambda _: True)
    equal(len(interrupted.pictures), 1, "pictures")
    other_picture(interrupted.picture, whole.picture, "broken off and whole")
    same_picture(target.draw(fresh=True, **BY_PAGE).picture, before.picture, "the next picture")
    drawn_as_stock(target.draw(fresh=True), stock, "the next stock picture")
