"""Schedules of weights: what the settings take, and what tags mean by them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_hypersd.request.prompt_tags import find_tags, renamed
from lib_hypersd.request.settings import SettingsError, from_object, from_positional, weight_of
from lib_hypersd.request.weight_schedule import MOST_POINTS, WeightSchedule, parse_schedule


def test_between_its_points_a_schedule_is_straight() -> None:
    schedule = parse_schedule("1@0, 0.5@0.5; 0.5@1")
    assert [schedule.at_step(step, 5) for step in range(5)] == [1.0, 0.75, 0.5, 0.5, 0.5]


def test_before_its_first_and_after_its_last_point_it_keeps_their_weight() -> None:
    schedule = parse_schedule("0.2@0.25,0.8@0.5")
    assert (schedule.at(0), schedule.at(1)) == (0.2, 0.8)


def test_two_points_at_one_place_are_a_step() -> None:
    schedule = parse_schedule("0@0,0@0.5,1@0.5,1@1")
    assert (schedule.at(0.5), schedule.at(0.51)) == (0.0, 1.0)


@pytest.mark.parametrize("steps", [1, 2])
def test_few_steps_have_the_first_and_the_last_weight(steps: int) -> None:
    schedule = parse_schedule("1@0,0.5@1")
    assert [schedule.at_step(step, steps) for step in range(steps)] == [1.0, 0.5][:steps]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(-40, 40)), min_size=1, max_size=MOST_POINTS))
def test_a_schedule_reads_back_as_itself(points: list[tuple[int, int]]) -> None:
    ordered = tuple(sorted((share / 20, weight / 20) for share, weight in points))
    schedule = WeightSchedule(ordered)
    assert parse_schedule(str(schedule)) == schedule
    lowest, highest = min(schedule.weights), max(schedule.weights)
    rounding = 1e-9
    assert all(lowest - rounding <= schedule.at_step(step, 8) <= highest + rounding for step in range(8))


BAD = (
    "x@1",
    "1@",
    "@1",
    "1@0,",
    "1",
    "0.5@2",
    "0.5@-0.1",
    "1@0.5,0.5@0.1",
    "2.1@0",
    "-2.1@0",
    "nan@0",
    "1e999@0",
    ",".join(["1@0"] * (MOST_POINTS + 1)),
)


@pytest.mark.parametrize("key", ["weight", "hires_weight"])
@pytest.mark.parametrize("text", BAD)
def test_a_bad_schedule_is_an_error_by_the_fields_name(key: str, text: str) -> None:
    with pytest.raises(SettingsError) as raised:
        from_object({key: text})
    assert raised.value.field == key
    assert str(raised.value).startswith(f"{key} is ")


@pytest.mark.parametrize("value", [2.1, -2.1, True, None, [1]])
def test_a_weight_out_of_range_is_an_error(value: object) -> None:
    with pytest.raises(SettingsError):
        from_object({"hires_weight": value})


def test_the_panel_takes_what_the_object_takes() -> None:
    settings = from_positional([True, "auto", "auto", " 1@0, .5@1 "])
    assert settings.weight == from_object({"weight": "1@0,0.5@1"}).weight == "1@0,0.5@1"
    assert weight_of(settings.weight) == parse_schedule("1@0,0.5@1")


@pytest.mark.parametrize(
    ("arguments", "first", "unet", "hires"),
    [
        ("0.5@0,1@0.5", 0.5, "0.5@0,1@0.5", None),
        ("te=0.5:unet=0@0,1@1", 0.0, "0@0,1@1", None),
        ("te=0.5@0,1@1", 0.5, "0.5@0,1@1", None),
        ("0.5:hr=0.4", 0.5, "0.5", 0.4),
        ("0.5:hrunet=0.3:hr=0.4", 0.5, "0.5", 0.3),
        ("1@6,0@3", 0.0, "0@3,1@6", None),  # loractl: places above 1 are steps, in any order
        ("0.5,1@0", 1.0, "1@0,0.5@1", None),  # and a point without a place is at the end
        ("0.5:IN03", 0.5, "0.5", None),
        ("0.5:lbw=OUTALL", 0.5, "0.5", None),
        ("1:1,0,0,0", 1.0, "1", None),
        ("0.5:0.7", 0.7, "0.7", None),
    ],
)
def test_a_tag_in_another_extensions_words_is_read_and_never_rewritten(
    arguments: str, first: float, unet: str, hires: float | None
) -> None:
    (tag,) = find_tags(f"<lora:x:{arguments}>")
    assert tag.weight == first
    assert (f"{tag.unet:g}" if isinstance(tag.unet, float) else str(tag.unet)) == unet
    assert tag.hires == hires
    assert renamed(tag, "y", 0.75) == f"<lora:y:{arguments}>"


def test_a_schedule_of_steps_counts_steps() -> None:
    (tag,) = find_tags("<lora:x:1@0,0@4>")
    assert isinstance(tag.unet, WeightSchedule)
    assert [tag.unet.at_step(step, 8) for step in (0, 2, 4, 7)] == [1.0, 0.5, 0.0, 0.0]


@pytest.mark.parametrize("arguments", ["abc", ":0.5", "0.5@", "1@0,x", "inf", "1,0"])
def test_what_is_no_weight_in_anybodys_words_gives_none(arguments: str) -> None:
    (tag,) = find_tags(f"<lora:x:{arguments}>")
    assert tag.weight is None
