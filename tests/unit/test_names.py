"""What names say: every known one, in every way of writing it, in little time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_names import CHECKPOINTS, HANDED_CHECKPOINTS, HANDED_LORAS, LOOKALIKES, LORAS, Known

from lib_hypersd.models import words
from lib_hypersd.models.names import MAX_NAME, NOTHING, read_name

HANDED = (*HANDED_CHECKPOINTS, *HANDED_LORAS)
FOUND = (*CHECKPOINTS, *LORAS, *LOOKALIKES)


@pytest.mark.parametrize("known", [*HANDED, *FOUND], ids=lambda known: known.name)
def test_a_name_is_read_for_what_it_says(known: Known) -> None:
    reading = read_name(known.name)
    assert {field: getattr(reading, field) for field in known.says} == known.says


def test_as_many_names_were_found_as_handed_and_a_third_of_all_are_look_alikes() -> None:
    names = [known.name for known in (*HANDED, *FOUND)]
    assert len(set(names)) == len(names)
    assert len(FOUND) >= len(HANDED)
    assert len(LOOKALIKES) >= len(FOUND) / 3
    assert all(known.source for known in (*HANDED, *FOUND))


KNOWN_WORDS = sorted({word for row in (*words.WORDS, *words.SEQUENCES) for word in row.words.split() if word.isalpha()})
WORDS = st.sampled_from([word for word in KNOWN_WORDS if len(word) > 1] + ["juggernaut", "zavy", "dreamshaper", "mine"])
NUMBERS = st.sampled_from(("1", "2", "4", "8", "12", "16", "15", "3", "40"))


@st.composite
def _tokens(draw: st.DrawFn) -> list[str]:
    """Words, and numbers of which no two follow each other: "1" and "6" without a separator are another number."""
    tokens: list[str] = []
    for _ in range(draw(st.integers(1, 7))):
        tokens.append(draw(WORDS))
        if draw(st.booleans()):
            tokens.append(draw(NUMBERS))
    return tokens


@given(_tokens(), st.sampled_from("-_. +~()"), st.sampled_from((str.lower, str.upper, str.title)))
def test_any_separator_and_any_case_reads_the_same(tokens: list[str], separator: str, case: object) -> None:
    plain = read_name("-".join(tokens))
    assert read_name(separator.join(map(case, tokens))) == plain  # type: ignore[call-overload]
    assert read_name("".join(map(str.title, tokens))) == plain
    assert read_name(tokens[0] + "".join(map(str.title, tokens[1:]))) == plain


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-_- . _",
        "\U0001f600\u202e\u200f",
        "\u017fdxl",
        "x" * 10_000,
        "hyper-8steps-" * 1000,
        "8" * 10_000,
        "\u0668x",
    ],
)
def test_a_name_that_says_nothing_is_unknown(name: str) -> None:
    assert read_name(name) == NOTHING


@given(st.text(max_size=MAX_NAME + 5))
def test_any_text_is_read(name: str) -> None:
    reading = read_name(name)
    assert reading.steps is None or 1 <= reading.steps <= 16


def test_a_name_is_remembered() -> None:
    name = "-".join(["hyper", "sdxl", "8steps"] * 10)
    assert read_name(name) is read_name(name)
