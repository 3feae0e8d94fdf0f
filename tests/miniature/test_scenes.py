"""Scenes, captions and tokens."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.miniature import scenes
from dev.miniature.scenes import Said, Unsaid
from dev.miniature.tokenizer import LENGTH, PAD, START, WORDS, tokenize


def maybe(table):
    return st.none() | st.integers(0, len(table) - 1)


saids = st.builds(
    Said,
    maybe(scenes.SHAPES),
    maybe(scenes.COLOURS),
    maybe(scenes.SIZE_NAMES),
    maybe(scenes.PLACE_NAMES),
    maybe(scenes.COLOURS),
)


@given(saids)
def test_a_caption_is_read_back_as_what_it_says(said):
    assert scenes.read_caption(scenes.caption(said)) == said


@given(saids)
def test_the_tokenizer_knows_and_keeps_every_word_of_every_caption(said):
    text = scenes.caption(said)
    [ids] = tokenize([text])
    assert [WORDS[i] for i in ids if i not in (START, PAD)] == text.replace(",", "").split()


@given(st.text(max_size=400))
def test_any_prompt_becomes_one_row_of_known_ids(text):
    [ids] = tokenize([text])
    assert len(ids) == LENGTH
    assert ids[0] == START
    assert all(0 <= i < len(WORDS) for i in ids)


def test_words_that_the_vocabulary_lacks_are_skipped():
    assert tokenize(["masterpiece, a (red:1.2) STAR, 8k"]) == tokenize(["a red star"])


def test_a_long_prompt_is_cut_and_an_empty_one_is_the_start_token():
    assert tokenize(["red " * 50])[0] == [START] + [WORDS.index("red")] * (LENGTH - 1)
    assert tokenize([""])[0] == [START] + [PAD] * (LENGTH - 1)


def test_the_example_of_the_readme_is_a_caption():
    text = "a small yellow star at the top, purple background"
    assert scenes.caption(scenes.read_caption(text)) == text


@pytest.mark.parametrize(
    ("kind", "always", "never"),
    [("explicit", {"shape", "colour", "place"}, set()), ("vague", {"shape", "colour"}, {"size", "place", "back"})],
)
def test_a_kind_of_prompts_says_what_it_promises(kind, always, never):
    for text in scenes.prompts(kind, 200, seed=3):
        said = {name for name, value in vars(scenes.read_caption(text)).items() if value is not None}
        assert always <= said
        assert not said & never


def test_captions_tell_the_truth_about_their_scenes():
    rng = np.random.default_rng(0)
    drawn = scenes.draw_scenes(300, rng)
    for i, text in enumerate(scenes.captions(drawn, rng)):
        for name, value in vars(scenes.read_caption(text)).items():
            assert value is None or value == getattr(drawn, name)[i]


def test_attributes_go_unsaid_as_often_as_asked():
    rng = np.random.default_rng(0)
    texts = scenes.captions(scenes.draw_scenes(2000, rng), rng, Unsaid(place=0.25))
    assert sum(scenes.read_caption(t).place is None for t in texts) / 2000 == pytest.approx(0.25, abs=0.03)


def test_prompts_depend_on_the_seed_alone():
    assert scenes.prompts("explicit", 20, 5) == scenes.prompts("explicit", 20, 5)
    assert scenes.prompts("explicit", 20, 5) != scenes.prompts("explicit", 20, 6)


def test_a_shape_never_has_its_backgrounds_colour_and_stays_on_the_canvas():
    drawn = scenes.draw_scenes(2000, np.random.default_rng(1))
    assert (drawn.colour != drawn.back).all()
    for centre in (drawn.x, drawn.y):
        assert (centre - drawn.radius > 0).all()
        assert (centre + drawn.radius < scenes.SIZE).all()


def test_take_picks_whole_scenes():
    drawn = scenes.draw_scenes(10, np.random.default_rng(2))
    picked = drawn.take(np.array([7, 7, 1]))
    assert len(picked) == 3
    assert picked.radius.tolist() == [drawn.radius[7], drawn.radius[7], drawn.radius[1]]


def test_prompts_can_be_had_without_torch():
    code = "import sys; from dev.miniature import scenes, tokenizer; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2]).returncode == 0
