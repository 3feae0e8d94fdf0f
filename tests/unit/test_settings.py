"""Settings: the API object and the panel's positional form, and every way to get them wrong."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_hypersd.request.settings import (
    KEYS,
    PANEL_DEFAULTS,
    HostLists,
    Settings,
    SettingsError,
    as_object,
    from_object,
    from_positional,
    from_script_args,
    with_listed_names,
)
from lib_hypersd.text import ECHO_LIMIT

LISTS = HostLists(
    lambda: ["Euler"],
    lambda: {"SGM Uniform": "SGM Uniform", "sgm_uniform": "SGM Uniform"},
    lambda: ["None", "Latent"],
    lambda name: name == "known",
)


def test_the_empty_object_is_enabled_with_the_contracts_defaults() -> None:
    assert (
        from_object({})
        == Settings()
        == Settings(True, "auto", "auto", "auto", "clamp", "clamp", "auto", "auto", "tune")
    )


def test_an_object_and_the_same_values_by_position_are_the_same() -> None:
    values = {"enabled": True, "lora": "known", "steps": 4, "weight": 0.5, "cfg": 3.0, "distilled_cfg": "recipe"}
    assert from_object(values) == from_positional(list(values.values()))


def test_positional_arguments_too_few_or_too_many_keep_the_panels_defaults() -> None:
    assert from_positional([]) == PANEL_DEFAULTS
    assert from_positional([True]) == Settings()
    assert (
        from_positional([True, *["auto"] * 3, "clamp", "clamp", *["auto"] * 2, "tune", *["auto"] * 7, "extra", 7])
        == Settings()
    )


@pytest.mark.parametrize(
    "args",
    [
        [True, "auto", "8", "", "clamp", "keep"],
        [False, "none", " 4 ", "0.5"],
        [{"steps": 4, "weight": "auto", "none of ours": 1}],
    ],
)
def test_arguments_as_an_object_mean_the_same(args: list[object]) -> None:
    wish = as_object(args)
    if isinstance(args[0], dict):
        assert wish == args[0]
        assert wish is not args[0]
    else:
        assert from_object(wish) == from_positional(args)
        assert wish.items() == {k: v for k, v in wish.items() if getattr(Settings(), k) != v}.items()


def test_text_boxes_hold_what_the_object_holds() -> None:
    assert from_positional([True, "auto", "8", " 0.5 ", "", "keep"]) == Settings(
        steps=8, weight=0.5, distilled_cfg="keep"
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *[(key, None) for key in KEYS],
        *[(key, value) for key in KEYS for value in ([], {}, math.nan, math.inf, -math.inf)],
        ("enabled", "yes"),
        ("enabled", 1),
        ("steps", True),
        ("steps", "8"),
        ("steps", 0),
        ("steps", 17),
        ("steps", 2.5),
        ("steps", 10**400),
        ("weight", -(10**400)),
        ("weight", False),
        ("weight", 2.01),
        ("weight", "heavy"),
        ("cfg", -1),
        ("cfg", "auto"),
        ("hires", "on"),
        ("hires_denoise", 1.5),
        ("hires_steps", -1),
        ("eta", 1.0001),
        ("lora", ""),
        ("lora", 8),
    ],
)
def test_a_wrong_value_is_an_error_that_names_its_key(key: str, value: object) -> None:
    with pytest.raises(SettingsError) as error:
        from_object({key: value})
    assert error.value.field == key
    assert key in str(error.value)


@pytest.mark.parametrize("name", ["x" * 10_000, "../../etc/passwd", "a<b", "a:b", "a\nb"])
@pytest.mark.parametrize("key", ["lora", "sampler", "scheduler", "hires_upscaler"])
def test_a_name_that_the_host_does_not_list_is_a_short_one_line_error(key: str, name: str) -> None:
    with pytest.raises(SettingsError) as error:
        with_listed_names(from_object({key: name}), LISTS)
    assert error.value.field == key
    assert "\n" not in str(error.value)
    assert name[: ECHO_LIMIT + 1] not in str(error.value) or len(name) <= ECHO_LIMIT


@pytest.mark.parametrize("text", ["1_0", "٨", "0x8", "inf", "1e400", "8 steps"])
def test_a_text_box_takes_numbers_as_json_writes_them(text: str) -> None:
    with pytest.raises(SettingsError):
        from_positional([True, "auto", text])


def test_an_unknown_key_is_named_and_the_known_ones_are_told() -> None:
    with pytest.raises(SettingsError, match="stepz is no key.*lora, steps"):
        from_object({"stepz": 4})


def test_nan_is_not_echoed() -> None:
    with pytest.raises(SettingsError) as error:
        from_object({"weight": math.nan})
    assert "nan" not in str(error.value).lower()


def test_listed_names_pass() -> None:
    settings = Settings(lora="known", sampler="Euler", scheduler="SGM Uniform", hires_upscaler="None")
    assert with_listed_names(settings, LISTS) == settings


def test_a_schedules_inner_name_is_the_same_schedule() -> None:
    assert with_listed_names(Settings(scheduler="sgm_uniform"), LISTS).scheduler == "SGM Uniform"


@given(
    st.lists(
        st.one_of(
            st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.dictionaries(st.text(), st.text())
        )
    )
)
def test_any_arguments_give_settings_or_a_settings_error(args: list[object]) -> None:
    try:
        settings = from_script_args(args)
    except SettingsError as error:
        settings = None
        told = str(error)
    assert isinstance(settings, Settings) or len(told) < 400
