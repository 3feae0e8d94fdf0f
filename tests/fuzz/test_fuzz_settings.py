"""Settings: any JSON value, any Python object, any line of text becomes settings or an error that names the field."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from mutation import ATOMS, ODD, Case
from runs import run_cases

from lib_hypersd.models import recipes
from lib_hypersd.models.catalog import BY_NAME
from lib_hypersd.request import preferences as preferences
from lib_hypersd.request import recipe_lines
from lib_hypersd.request.preferences import Preferences, policies_of
from lib_hypersd.request.recipe_lines import LineError, Overrides, parse_line, read_overrides
from lib_hypersd.request.settings import (
    KEYS,
    PANEL_DEFAULTS,
    HostLists,
    Settings,
    SettingsError,
    as_typed,
    from_object,
    from_positional,
    from_script_args,
    panel_eta,
    with_listed_names,
)
from lib_hypersd.request.weight_schedule import parse_schedule
from lib_hypersd.text import ECHO_LIMIT, echo

LISTS = HostLists(
    lambda: ["Euler"],
    lambda: {"SGM Uniform": "SGM Uniform", "sgm_uniform": "SGM Uniform"},
    lambda: ["None", "Latent"],
    lambda name: name == "known",
)
GOOD: tuple[dict[str, Any], ...] = (
    {},
    {"enabled": False},
    {"lora": "known", "steps": 8, "weight": 0.75, "cfg": 1.0, "sampler": "Euler", "scheduler": "sgm_uniform"},
    {"steps": "keep", "cfg": "recipe", "distilled_cfg": 3.5, "hires": "always", "hires_steps": 4, "eta": 0.3},
    {"hires_denoise": 0.55, "hires_scale": 1.5, "hires_upscaler": "Latent", "hires_steps": 0, "enabled": True},
    {"weight": "1@0,0.5@1", "hires_weight": "-0.5@0;2@1", "apply": "bypass"},
)
WORDS = (*KEYS, "auto", "keep", "clamp", "recipe", "none", "known", "Euler", "8", "0.5", "1e3", "\u0663", "8\u0660")
TEXTS = ("8", "0.55", "-1.5e0", " keep ", ".5", "8.", "1@0,0.5@1")


class Unshowable:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


OBJECTS = (
    *(object(), Unshowable(), _nested(100_000), {"a": _nested(5_000)}, [10**5000], 10**5000, -(10**5000)),
    *(len, Settings, Settings(), complex(1, 2), range(9), {1, 2}, frozenset(), bytearray(500), memoryview(b"a")),
    *(type("Odd", (type(value),), {})(value) for value in ("8", 8, 0.5, {}, ())),
    *({1: 2}, {None: 1}, {(1, 2): 3}, {"a" * 300: 1}, {True: False}, {10**5000: 1}, {Unshowable: Unshowable()}),
)


def _check_error(error: SettingsError) -> None:
    told = str(error)
    assert error.field.strip()
    assert len(error.field) <= ECHO_LIMIT
    assert told.startswith(f"{error.field} is ")
    assert told.endswith(".")
    assert len(told) < 300 + 2 * ECHO_LIMIT
    assert told.isprintable()


def _settings_or_error(read: Callable[[], Settings]) -> Settings | None:
    """What was read, which is within all bounds; or None for an error that a person can use."""
    try:
        found = read()
    except SettingsError as error:
        _check_error(error)
        return None
    assert isinstance(found.enabled, bool)
    for key in ("lora", "sampler", "scheduler", "hires", "hires_upscaler"):
        assert isinstance(getattr(found, key), str)
        assert getattr(found, key)
    weights = dict.fromkeys(("weight", "hires_weight"), (-2, 2))
    bounds = {**weights, "steps": (1, 16), "cfg": (0, 30), "distilled_cfg": (0, 30), "hires_steps": (0, 150)}
    for key, (low, high) in {**bounds, "hires_denoise": (0, 1), "hires_scale": (1, 8), "eta": (0, 1)}.items():
        value = getattr(found, key)
        if key in ("weight", "hires_weight") and value != "auto" and isinstance(value, str):
            assert all(low <= weight <= high for weight in parse_schedule(value).weights)
            continue
        assert value in ("auto", "keep", "clamp", "recipe") or low <= value <= high
        if not isinstance(value, str):
            assert type(value) is (int if key in ("steps", "hires_steps") else float)
    return found


def _is_read_from(value: object, given_value: object) -> bool:
    """Whether a setting is what was given; a schedule of weights is written in one way."""
    if value == given_value:
        return True
    texts = isinstance(value, str) and isinstance(given_value, str) and "@" in value
    return texts and parse_schedule(str(value)) == parse_schedule(str(given_value))


def test_objects() -> None:
    def check(case: Case) -> None:
        given_values = case.tree(case.choice(GOOD), WORDS)
        if case.random() < 0.1 and isinstance(given_values, dict):
            given_values[case.choice((*KEYS, 7, None))] = case.choice((*OBJECTS, *ATOMS))
        found = _settings_or_error(lambda: from_script_args([given_values]))
        if found is None or not isinstance(given_values, dict):
            return
        assert found.named == given_values.keys()
        assert all(_is_read_from(getattr(found, key), value) for key, value in given_values.items())
        assert all(key == "enabled" for key, value in given_values.items() if isinstance(value, bool))
        assert from_object({key: getattr(found, key) for key in KEYS}) == found
        listed = _settings_or_error(lambda: with_listed_names(found, LISTS))
        assert listed is None or listed == replace(found, scheduler=listed.scheduler)

    run_cases("settings object", check)


def test_positional_arguments() -> None:
    good = [[getattr(from_object(values), key) for key in KEYS] for values in GOOD]

    def check(case: Case) -> None:
        values = [case.choice(good)[i] for i in range(case.randint(0, len(KEYS)))]
        for _ in range(case.randint(0, 3)):
            if values:
                values[case.randrange(len(values))] = case.choice((*OBJECTS, *ATOMS, *WORDS))
        values += [case.atom(WORDS) for _ in range(case.choice((0, 0, 0, 1, 5)))]
        found = _settings_or_error(lambda: from_script_args(values))
        if found is not None and not (values and isinstance(values[0], dict)):
            assert from_positional([getattr(found, key) for key in KEYS]) == found
        _settings_or_error(lambda: PANEL_DEFAULTS if panel_eta(values) is None else PANEL_DEFAULTS)

    run_cases("settings positions", check)


def test_typed_texts() -> None:
    """A text box holds a value as the API's object does, in digits that JSON knows."""

    def check(case: Case) -> None:
        key, text = case.choice(KEYS), case.text(TEXTS, (*WORDS, *ODD))
        found = _settings_or_error(lambda: PANEL_DEFAULTS.naming({key: as_typed(key, text)}))
        if found is None:
            return
        value = getattr(found, key)
        typed = text.strip()
        assert value == getattr(PANEL_DEFAULTS, key) or _is_read_from(value, typed) or value == float(typed)
        assert isinstance(value, str) or text.strip().isascii()

    run_cases("settings typed", check)


LINES = (
    "sdxl: weight 0.8, cfg 1.2, range 1-2",
    "flux nf4: distilled 2.5, distilled range 2–3",
    "Hyper-SD15-8steps-lora: weight .9",
    "my: own-hyper file: cfg 3",
    "# a comment",
)
LINE_WORDS = (*recipes.RECIPES, *recipe_lines.RECIPE_WORDS, "1", "-", "–", "1-2", "9" * 400, "e5", ",", ":", " ", "\n")


def test_recipes_of_ones_own() -> None:
    def check(case: Case) -> None:
        text = "\n".join(case.text(LINES, LINE_WORDS) for _ in range(case.randint(0, 3)))
        found = read_overrides(text)
        assert len(found.notice) < 600
        assert "\n" not in found.notice
        for line in text.splitlines():
            try:
                name, override = parse_line(line)
            except LineError:
                continue
            assert name
            assert name == name.strip()
            file = name if name in BY_NAME else "file"
            wishes = Preferences(overrides=Overrides(files={file: override}))
            dials = wishes.recipe("flux", "plain", 8, file=file)
            for dial in (dials.cfg, dials.distilled_cfg):
                assert dial is None or 0 <= dial.low <= dial.value <= dial.high <= 30
            assert -2 <= dials.weight <= 2
        words = [case.text(list(policies_of("flux")), LINE_WORDS) for _ in range(case.randint(0, 3))]
        read = Preferences.read({"flux": words, "sd15": [case.atom(list(policies_of("sd15")))]}, text)
        for family in ("flux", "sd15", None):
            settled = read.settled(Settings(), family, img2img=case.random() < 0.5)  # type: ignore[arg-type]
            _settings_or_error(lambda settled=settled: from_positional([getattr(settled, key) for key in KEYS]))
        assert all(len(notice) < 900 for notice in read.notices(["flux", "sd15", None], lambda name: False))

    run_cases("recipe lines", check)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text() | st.sampled_from(KEYS), children),
    max_leaves=8,
)


@budget(max_examples=150)
@given(st.dictionaries(st.sampled_from(KEYS) | st.text(), _json, max_size=5))
def test_any_json_object(values: dict[str, Any]) -> None:
    _settings_or_error(lambda: from_object(json.loads(json.dumps(values))))


@pytest.mark.parametrize("value", [*OBJECTS, *ATOMS, math.nan, "x\ny" * 90], ids=lambda value: type(value).__name__)
def test_an_echo_is_short_and_of_one_line(value: object) -> None:
    assert len(echo(value)) <= ECHO_LIMIT
    assert echo(value).isprintable()
