"""Bad input: nothing changed, one clear message, the picture drawn as stock would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..client import Drawn
from ..published import VARIANTS
from ..scenario import SkippedError, all_of, check, drawn_as_stock, equal, failure_of, only_fields, scenario
from ..target import Target

LONG = "x" * 10_000
LONGEST_ECHO = 80
NAMES = ("", "Hyper", LONG, "../../etc/passwd", "a<b>", "a:b", "a\nb", "näme", 'a"b', "\x00")
NUMBER_KEYS = ("weight", "cfg", "distilled_cfg", "hires_steps", "hires_denoise", "hires_scale", "eta")
WORD_KEYS = ("lora", "sampler", "scheduler", "hires", "hires_upscaler")
KEYS = ("enabled", "steps", *NUMBER_KEYS, *WORD_KEYS)


@dataclass(frozen=True)
class Bad:
    """One bad object and the key that is to blame."""

    hypersd: object
    key: str

    def __str__(self) -> str:
        text = repr(self.hypersd)
        return text if len(text) < 100 else f"{text[:97]}…"


def every_case() -> Iterator[Bad]:
    """Wrong types, numbers out of range or not finite, unknown names and keys."""
    for key in KEYS:
        for value in (None, [], {}, ["auto"], {"value": 1}):
            yield Bad({key: value}, key)
    for value in (0, 1, "true", "", "auto", 1.0):
        yield Bad({"enabled": value}, "enabled")
    for key in ("steps", *NUMBER_KEYS):
        for value in (True, False, "", "many", "0.5x", LONG, float("nan"), float("inf"), -float("inf")):
            yield Bad({key: value}, key)
    for key in WORD_KEYS:
        for value in (1, 0.5, True, False):
            yield Bad({key: value}, key)
    for value in (0, -1, 17, 4.5, 10**30, "clamp", "recipe"):
        yield Bad({"steps": value}, "steps")
    for value in (-2.01, 2.01, 1e30, "keep"):
        yield Bad({"weight": value}, "weight")
    for value in (-0.01, 1.01, "keep"):
        yield Bad({"eta": value}, "eta")
    for value in (-0.01, 1.01, 55, "clamp"):
        yield Bad({"hires_denoise": value}, "hires_denoise")
    for value in (-1, 2.5, "clamp"):
        yield Bad({"hires_steps": value}, "hires_steps")
    for value in (-1, 0, "recipe"):
        yield Bad({"hires_scale": value}, "hires_scale")
    for value in (-1, "auto"):
        yield Bad({"cfg": value}, "cfg")
        yield Bad({"distilled_cfg": value}, "distilled_cfg")
    for value in ("auto", "off", "on", "Tune", LONG):
        yield Bad({"hires": value}, "hires")
    for name in NAMES:
        for key in ("lora", "sampler", "scheduler", "hires_upscaler"):
            yield Bad({key: name}, key)
    for key in ("bogus", "Lora", "", LONG, "a\nb", "lora ", "prompt", "__class__"):
        yield Bad({key: 1}, key)


DRAWN = (
    Bad({"bogus": 1}, "bogus"),
    Bad({"steps": "many"}, "steps"),
    Bad({"steps": 99}, "steps"),
    Bad({"steps": True}, "steps"),
    Bad({"weight": None}, "weight"),
    Bad({"enabled": "yes"}, "enabled"),
    Bad({"sampler": "No Such Sampler"}, "sampler"),
    Bad({"scheduler": "No Such Schedule"}, "scheduler"),
    Bad({"hires_upscaler": "No Such Upscaler"}, "hires_upscaler"),
    Bad({"lora": LONG}, "lora"),
    Bad({"lora": "../../etc/passwd"}, "lora"),
    Bad({"lora": "a<lora:b:1>"}, "lora"),
    Bad({"lora": "a:b"}, "lora"),
    Bad({"lora": 'a\nb, "Steps: 5'}, "lora"),
    Bad({LONG: 1}, LONG),
    Bad({"steps": 4, "bogus": 1}, "bogus"),
)


@scenario
def bad_values_draw_as_stock_and_say_which_key(target: Target) -> None:
    stock = target.draw()

    def one(bad: Bad) -> None:
        drawn = target.draw(hypersd=bad.hypersd)
        drawn_as_stock(drawn, stock, str(bad))
        only_fields(drawn, ["Hyper-SD error"], str(bad))
        error = drawn.infotext.own()["Hyper-SD error"]
        check(bad.key[: LONGEST_ECHO - 5] in error, f"{bad}: the error names the key: {error[:200]}")
        check("\n" not in error and "x" * (LONGEST_ECHO + 1) not in drawn.infotext.text, f"{bad}: echo: {error[:200]}")

    all_of(failure_of(lambda b=bad: one(b)) for bad in DRAWN)


@scenario
def the_error_says_what_was_allowed(target: Target) -> None:
    for hypersd, words in (
        ({"steps": 99}, ("99", "auto", "keep", "1", "16")),
        ({"weight": 3}, ("3", "auto", "-2", "2")),
        ({"cfg": "much"}, ("much", "clamp", "recipe", "keep")),
        ({"hires": "on"}, ("on", "tune", "keep", "always")),
        ({"sampler": "No Such Sampler"}, ("No Such Sampler", "auto", "keep")),
        ({"bogus": 1}, ("bogus", "enabled", "hires_upscaler", "eta")),
        ({"enabled": 1}, ("1", "true", "false")),
    ):
        error = target.draw(hypersd=hypersd).infotext.own().get("Hyper-SD error", "")
        missing = [word for word in words if word not in error.replace("−", "-")]
        equal(missing, [], f"{hypersd}: words that miss in: {error}")


@scenario
def no_object_at_all_is_bad_input(target: Target) -> None:
    stock = target.draw()

    def one(args: list[object]) -> None:
        drawn = target.draw(args=args)
        drawn_as_stock(drawn, stock, f"args {args}")
        only_fields(drawn, ["Hyper-SD error"], f"args {args}")

    all_of(failure_of(lambda a=args: one(a)) for args in ([None], ["yes"], [1], [[]], [None, None], [True, None]))


@scenario
def positional_bad_values_draw_as_stock(target: Target) -> None:
    stock = target.draw()

    def one(args: list[object]) -> None:
        drawn = target.draw(args=args)
        drawn_as_stock(drawn, stock, f"args {args}")
        only_fields(drawn, ["Hyper-SD error"], f"args {args}")

    cases = ([True, "no-such-lora"], [True, "auto", "99"], [True, "auto", "auto", "heavy"], [True, "auto", ["auto"]])
    all_of(failure_of(lambda a=args: one(a)) for args in cases)


@scenario
def nan_draws_as_stock(target: Target) -> None:
    for value in (float("nan"), float("inf")):
        reply = target.try_to_draw(hypersd={"weight": value})
        if reply.status != 200:
            raise SkippedError(f"the host itself answers {reply.status} to {value} in a request")
        drawn = Drawn.read(reply.json())
        drawn_as_stock(drawn, target.draw(), f"weight {value}")
        only_fields(drawn, ["Hyper-SD error"], f"weight {value}")


@scenario
def nan_in_a_text_box_draws_as_stock(target: Target) -> None:
    drawn = target.draw(args=[True, "auto", "auto", "nan"])
    drawn_as_stock(drawn, target.draw(), "weight nan, positional")
    only_fields(drawn, ["Hyper-SD error"], "weight nan, positional")


@scenario
def bad_input_changes_no_hires_pass_and_no_img2img(target: Target) -> None:
    hires = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "None", "denoising_strength": 0.5}
    bad = {"bogus": 1, "hires": "always"}
    drawn = target.draw(hypersd=bad, **hires)
    drawn_as_stock(drawn, target.draw(**hires), "hires")
    only_fields(drawn, ["Hyper-SD error"], "hires")
    over = target.draw_over(hypersd=bad)
    drawn_as_stock(over, target.draw_over(), "img2img")
    only_fields(over, ["Hyper-SD error"], "img2img")


@scenario
def bad_input_beside_a_full_tag_leaves_the_prompt(target: Target) -> None:
    prompt = f"{target.request()['prompt']} {target.quick.tag}"
    drawn = target.draw(prompt=prompt, hypersd={"steps": 0})
    drawn_as_stock(drawn, target.draw(prompt=prompt), "a full name with a bad object")
    only_fields(drawn, ["Hyper-SD error"], "a full name with a bad object")


@scenario
def the_plan_answers_422_with_the_keys_name(target: Target) -> None:
    def one(bad: Bad) -> None:
        reply = target.try_to_plan(bad.hypersd)
        equal(reply.status, 422, f"{bad}: status")
        detail = reply.json()["detail"]
        places = [" ".join(str(place).split()) for entry in detail for place in entry["loc"]]
        wanted = " ".join(bad.key.split())[: LONGEST_ECHO - 5]
        check(any(place.startswith(wanted) for place in places), f"{bad}: loc {places}")
        check("NaN" not in reply.text and "Infinity" not in reply.text, f"{bad}: echoes {reply.text[:200]}")
        check("x" * (LONGEST_ECHO + 1) not in reply.text, f"{bad}: echoes more than {LONGEST_ECHO} characters")

    all_of(failure_of(lambda b=bad: one(b)) for bad in every_case())


@scenario
def the_plan_answers_422_where_the_object_is_none(target: Target) -> None:
    for value in ("yes", 1, [], [{}], True):
        reply = target.try_to_plan(value)
        equal(reply.status, 422, f"hypersd {value!r}")
        check("hypersd" in reply.text, f"hypersd {value!r}: {reply.text[:200]}")


@scenario
def the_plan_answers_422_to_a_bad_body(target: Target) -> None:
    for raw in (b"", b"not json", b"[]", b'"text"', b"null", b'{"prompt": 5}', b'{"steps": "many"}', b'{"steps": NaN}'):
        reply = target.client.send("POST", "/hypersd/v1/plan", raw=raw)
        equal(reply.status, 422, f"body {raw!r}: {reply.text[:100]}")
        reply.json()


@scenario
def the_plan_never_echoes_nan(target: Target) -> None:
    for body in (
        b'{"cfg_scale": NaN}',
        b'{"denoising_strength": Infinity, "enable_hr": true}',
        b'{"cfg_scale": 1e999}',
    ):
        raw = body[:-1] + b', "prompt": "a", "hypersd": {}}'
        reply = target.client.send("POST", "/hypersd/v1/plan", raw=raw)
        equal(reply.status, 422, f"body {raw!r}: {reply.text[:100]}")
        reply.json()


@scenario
def a_catalog_file_that_is_not_here_gets_a_notice(target: Target) -> None:
    missing = [v for v in VARIANTS if v.family == target.family and v.name not in target.loras]
    if not missing:
        raise SkippedError(f"every {target.family} file of the catalog is on the target")
    drawn = target.draw(hypersd={"lora": missing[0].name})
    drawn_as_stock(drawn, target.draw(), missing[0].name)
    only_fields(drawn, ["Hyper-SD notice"], missing[0].name)
    notice = drawn.infotext.own()["Hyper-SD notice"]
    check(missing[0].name in notice and "huggingface.co" in notice, f"name and source: {notice}")


@scenario
def an_unknown_lora_is_an_error_not_a_notice(target: Target) -> None:
    reply = target.try_to_plan({"lora": "my-own-style-that-nobody-has"})
    equal(reply.status, 422, "status")
    check("my-own-style-that-nobody-has" in reply.text, "the name")
