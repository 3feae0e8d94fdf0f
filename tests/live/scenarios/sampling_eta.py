"""TCD's eta: by the object, the option, a text box and a pasted infotext; never the hosts' own."""

from __future__ import annotations

from ..added_sampling import BY_OBJECT, BY_PAGE, ETA_OPTION, HIRES, TCD, eta_of, need_noise_levels, redrawn
from ..client import Drawn
from ..scenario import SkippedError, check, drawn_as_stock, equal, near, only_fields, same_picture, scenario
from ..target import Target
from .infotext import needs_infotext_field


@scenario
def eta_by_object_option_and_position_is_the_same(target: Target) -> None:
    need_noise_levels(target)
    by_object = target.draw(hypersd=BY_OBJECT | {"eta": 0.7})
    near(eta_of(by_object.infotext), 0.7, "eta by the object")
    option = {"override_settings": {ETA_OPTION: 0.7}}
    by_option = target.draw(hypersd=BY_OBJECT, **option)
    near(eta_of(by_option.infotext), 0.7, "eta by the option")
    same_picture(by_option.picture, by_object.picture, "option and object")
    both = target.draw(hypersd=BY_OBJECT | {"eta": 0.7}, override_settings={ETA_OPTION: 0.1})
    same_picture(both.picture, by_object.picture, "the object beats the option")
    equal(both.infotext.own().get("Hyper-SD eta"), by_object.infotext.own()["Hyper-SD eta"], "eta of both")
    args = [True, "none", 2, "auto", "clamp", "clamp", TCD, "auto", "tune", "auto", "auto", "auto", "auto", "0.7"]
    same_picture(target.draw(args=args).picture, by_object.picture, "a text box")
    page = target.draw(**(target.pasted(by_object.infotext) | option))
    same_picture(page.picture, by_object.picture, "the page's own fields and the option", target.tolerance)


@scenario
def eta_matters_from_none_to_all(target: Target) -> None:
    need_noise_levels(target)
    pictures = [target.draw(hypersd=BY_OBJECT | {"eta": eta}) for eta in (0, 0.3, 1)]
    equal([eta_of(drawn.infotext) for drawn in pictures], [0, 0.3, 1], "eta")
    equal(len({drawn.picture.pixels for drawn in pictures}), 3, "different pictures")
    automatic = target.draw(hypersd=BY_OBJECT)
    same_picture(automatic.picture, pictures[1].picture, "auto and 0.3")


@scenario
def eta_is_one_at_one_step_unless_asked_for(target: Target) -> None:
    need_noise_levels(target)
    for eta, wanted in (("auto", 1.0), (0.5, 0.5)):
        drawn = target.draw(hypersd=BY_OBJECT | {"steps": 1, "eta": eta})
        near(eta_of(drawn.infotext), wanted, f"one step, eta {eta}")
        same_picture(redrawn(target, drawn).picture, drawn.picture, f"eta {eta} from its infotext", target.tolerance)
    near(eta_of(target.draw(**(BY_PAGE | {"steps": 1})).infotext), 1.0, "one step, panel off")


@scenario
def the_option_is_put_back_after_an_override(target: Target) -> None:
    need_noise_levels(target)
    before = target.options()
    if not any(name.startswith("hypersd_") for name in before):
        raise SkippedError("the host's API lists no options of extensions")  # Forge
    check(ETA_OPTION in before, f"the option {ETA_OPTION} is in the host's list")
    near(float(before[ETA_OPTION]), 0.3, "the option's default")
    target.draw(fresh=True, **BY_PAGE, override_settings={ETA_OPTION: 0.9})
    target.draw(fresh=True, hypersd=BY_OBJECT | {"eta": 0.8})
    equal(target.options(), before, "options")
    near(eta_of(target.draw(fresh=True, **BY_PAGE).infotext), 0.3, "eta of the next picture")


@scenario
def the_hosts_ancestral_eta_is_another_one(target: Target) -> None:
    need_noise_levels(target)
    plain = target.draw(**BY_PAGE)
    for eta in (0.0, 0.5):
        drawn = target.draw(**BY_PAGE, eta=eta)
        same_picture(drawn.picture, plain.picture, f"the API's eta {eta}")
        check("Eta" not in drawn.infotext.fields, f"Eta of the host: {drawn.infotext.text}")
        near(eta_of(drawn.infotext), 0.3, "eta")
    with target.option("eta_ancestral", 0.5):
        drawn = target.draw(**BY_PAGE)
        same_picture(drawn.picture, plain.picture, "the option eta_ancestral")
        check("Eta" not in drawn.infotext.fields, f"Eta of the host: {drawn.infotext.text}")


@scenario
def the_hosts_infotext_field_brings_eta_back(target: Target) -> None:
    need_noise_levels(target)
    needs_infotext_field(target)
    for hypersd in (BY_OBJECT | {"eta": 0.9}, None):
        fields = {"hypersd": hypersd} if hypersd else BY_PAGE | {"override_settings": {ETA_OPTION: 0.9}}
        drawn = target.draw(**fields)
        pasted = target.draw_by_infotext_field(drawn)
        near(eta_of(pasted.infotext), 0.9, f"eta of the pasted infotext of {hypersd}")
        same_picture(pasted.picture, drawn.picture, f"pasted, {hypersd}", target.tolerance)


@scenario
def a_pasted_eta_beats_the_option(target: Target) -> None:
    need_noise_levels(target)
    needs_infotext_field(target)
    for fields in (BY_PAGE, {"hypersd": BY_OBJECT}):
        drawn = target.draw(**fields)
        with target.option(ETA_OPTION, 0.9):
            pasted = target.draw_by_infotext_field(drawn)
        near(eta_of(pasted.infotext), 0.3, f"eta of the pasted infotext of {fields}")
        same_picture(pasted.picture, drawn.picture, f"pasted, {fields}", target.tolerance)


@scenario
def the_panels_eta_serves_the_pages_sampler(target: Target) -> None:
    need_noise_levels(target)
    defaults = ["auto", "auto", "auto", "clamp", "clamp", "auto", "auto", "tune", "auto", "auto", "auto", "auto"]
    drawn = target.draw(args=[False, *defaults, "0.7"], **BY_PAGE)
    near(eta_of(drawn.infotext), 0.7, "eta of the panel, not ticked")
    same_picture(drawn.picture, target.draw(**BY_PAGE, override_settings={ETA_OPTION: 0.7}).picture, "by the option")
    bad = target.draw(args=[False, *defaults, "nan"], **BY_PAGE)
    same_picture(bad.picture, target.draw(**BY_PAGE).picture, "a bad eta, not ticked")
    check("eta" in bad.infotext.own().get("Hyper-SD error", ""), f"the error names eta: {bad.infotext.own()}")


@scenario
def eta_that_nobody_takes_is_told(target: Target) -> None:
    need_noise_levels(target)
    without = target.plan({"eta": 0.5})
    check("eta" in without.notice.lower(), f"notices: {without.notices}")
    taken = target.plan({"eta": 0.5, "sampler": TCD})
    check("eta" not in taken.notice.lower(), f"notices with TCD: {taken.notices}")
    if target.has_field("hr_sampler_name"):
        kept = target.plan({"eta": 0.5, "sampler": "keep", "hires": "keep"}, **HIRES, hr_sampler_name=TCD)
        check("eta" not in kept.notice.lower(), f"notices with TCD in the second pass: {kept.notices}")


@scenario
def a_bad_eta_option_never_costs_the_picture(target: Target) -> None:
    need_noise_levels(target)
    for bad in (1.5, -0.1, "much"):
        reply = target.try_to_draw(**BY_PAGE, override_settings={ETA_OPTION: bad})
        equal(reply.status, 200, f"option {bad!r}: status, {reply.text[:200]}")
        own = Drawn.read(reply.json()).infotext.own()
        check("Hyper-SD notice" in own or "Hyper-SD error" in own, f"option {bad!r}: a word about it in {own}")


@scenario
def a_bad_eta_draws_as_stock(target: Target) -> None:
    stock = target.draw()
    for hypersd in ({"sampler": TCD, "eta": 1.01}, {"sampler": TCD, "eta": -0.01}, {"sampler": TCD, "eta": "keep"}):
        drawn = target.draw(hypersd=hypersd)
        drawn_as_stock(drawn, stock, str(hypersd))
        only_fields(drawn, ["Hyper-SD error"], str(hypersd))
        check("eta" in drawn.infotext.own()["Hyper-SD error"], f"the error names eta: {drawn.infotext.own()}")
    defaults = ["none", 2, "auto", "clamp", "clamp", TCD, "auto", "tune", "auto", "auto", "auto", "auto"]
    for text in ("nan", "2"):
        drawn = target.draw(args=[True, *defaults, text])
        drawn_as_stock(drawn, stock, f"eta {text} in a text box")
        only_fields(drawn, ["Hyper-SD error"], f"eta {text} in a text box")
