"""Prompt tags: read as the hosts read them, added once, replaced in place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_hypersd.models.catalog import Alias, parse_alias
from lib_hypersd.request.prompt_tags import append, edit, find_tags, format_tag, renamed

TAG = "<lora:Hyper-SD15-8steps-lora:1>"


@pytest.mark.parametrize(
    ("tag", "weight"),
    [
        ("<lora:x>", None),
        ("<lora:x:0.5>", 0.5),
        ("<lora:x:1:0.75>", 0.75),
        ("<lora:x:1:0.75:32>", 0.75),
        ("<lora:x:te=0.5:unet=0.25>", 0.25),
        ("<lora:x:te=0.5>", 0.5),
        ("<lora:x:dyn=8>", None),
        ("<lora:x:abc>", None),
        ("<lora:x:nan>", None),
        ("<lora:x::0.5>", None),
        ("<lora:x:1:0.5:deep>", None),
        ("<lora:x:-1>", -1.0),
    ],
)
def test_weight_is_the_unets(tag: str, weight: float | None) -> None:
    assert find_tags(tag)[0].weight == weight


@pytest.mark.parametrize(
    "prompt",
    [
        f"a cat {TAG}",
        f"(({TAG}:1.2) cat:1.1)",
        f"[{TAG}:dog:0.5]",
        f"a cat BREAK {TAG} AND a dog",
        f"\\({TAG}\\)",
        f"one\ntwo {TAG}\nthree",
    ],
)
def test_tags_are_found_wherever_the_host_finds_them(prompt: str) -> None:
    assert [t.text for t in find_tags(prompt)] == [TAG]


def test_a_tag_inside_another_kinds_tag_is_none() -> None:
    """The hosts read `<foo:x <lora:y:1>` as one tag, of the kind "foo"."""
    assert find_tags("a <foo:x <lora:Hyper-SD15-8steps-lora:1>") == []
    assert [tag.name for tag in find_tags("a <foo:x> <lora:y:1>")] == ["y"]


def test_tags_in_comments_do_not_count_unless_comments_are_off() -> None:
    prompt = f"a cat # {TAG}\nmore {TAG}"
    assert [t.start for t in find_tags(prompt)] == [prompt.rindex("<")]
    assert len(find_tags(prompt, comments="none")) == 2


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a cat", f"a cat {TAG}"),
        ("a cat  ", f"a cat {TAG}"),
        ("", TAG),
        ("a cat # note", f"a cat # note\n{TAG}"),
        ("a cat # note\n", f"a cat # note\n{TAG}"),
        ("# note\na cat", f"# note\na cat {TAG}"),
        ("a cat // note", f"a cat // note {TAG}"),
        ("a cat AND a dog :1.2", f"a cat AND a dog :1.2 {TAG}"),
        ("a cat <lora:detail:1", f"a cat {TAG} <lora:detail:1"),
        ("a cat <lora:a:1> <lyco:b, and a dog", f"a cat <lora:a:1> {TAG} <lyco:b, and a dog"),
        ("a cat # <lora:detail:1", f"a cat # <lora:detail:1\n{TAG}"),
        ("a < b: c", f"a < b: c {TAG}"),
    ],
)
def test_tag_stands_after_one_space_or_below_a_comment(prompt: str, expected: str) -> None:
    assert append(prompt, TAG) == expected


@pytest.mark.parametrize("comment", ["# note", "// note", "/* note */"])
def test_reforges_and_neos_comments_count_too(comment: str) -> None:
    assert append(f"a cat {comment}", TAG, comments="c") == f"a cat {comment}\n{TAG}"
    assert find_tags(f"a cat {comment.replace('note', TAG)}", comments="c") == []


def test_taking_a_tag_out_makes_no_other_one() -> None:
    prompt = "<lo<lora:hyper-sdxl>ra:hyper-flux>"
    assert edit(prompt, [(tag, "") for tag in find_tags(prompt)]) == "<lo ra:hyper-flux>"


def test_a_tag_below_a_comment_that_begins_one_is_found() -> None:
    assert [tag.text for tag in find_tags(f"a cat # <lora:detail\n{TAG}")] == [TAG]


def test_arguments_of_other_extensions_stay() -> None:
    (tag,) = find_tags("<lora:x:0.8:lbw=OUTALL:stop=10>")
    assert tag.weight == 0.8
    (bare,) = find_tags("<lora:x:lbw=OUTALL>")
    assert renamed(bare, "File", 1.0) == "<lora:File:1:lbw=OUTALL>"


@pytest.mark.parametrize(
    ("name", "alias"),
    [
        ("Hyper-SDXL", Alias("sdxl", None, False)),
        ("hyper-flux-8step", Alias("flux", 8, False)),
        ("HYPER-SD15-12STEPS-CFG-LORA", Alias("sd15", 12, True)),
        ("Hyper-SD3-lora", Alias("sd3", None, False)),
        ("Hyper-SDXL-steps", None),
        ("hyper-\u017fd15", None),
        ("MyHyper-SDXL", None),
        ("Hyper-SD15-8stepsX", None),
        ("Hyper-FLUX.1-dev-8steps-lora", None),
    ],
)
def test_aliases(name: str, alias: Alias | None) -> None:
    assert parse_alias(name) == alias


@pytest.mark.parametrize(("weight", "text"), [(0.125, "0.125"), (1.0, "1"), (0.75, "0.75"), (-0.5, "-0.5")])
def test_weight_is_printed_short(weight: float, text: str) -> None:
    assert format_tag("x", weight) == f"<lora:x:{text}>"


def test_renaming_keeps_the_arguments() -> None:
    (tag,) = find_tags("<lora:Hyper-SD15:te=0.5:unet=0.8>")
    assert renamed(tag, "File", 1.0) == "<lora:File:te=0.5:unet=0.8>"
    (alone,) = find_tags("<lora:Hyper-SD15:0.50>")
    assert renamed(alone, "File", 1.0) == "<lora:File:0.5>"
    (bare,) = find_tags("<lora:Hyper-SD15>")
    assert renamed(bare, "File", 1.0) == "<lora:File:1>"


@pytest.mark.parametrize(
    ("prompt", "left"),
    [(f"a {TAG} b", "a b"), (f"{TAG} b", "b"), (f"a {TAG}", "a"), (f"({TAG}:1.2)", "(:1.2)"), (f"a,{TAG} b", "a, b")],
)
def test_taking_a_tag_out_leaves_no_double_space(prompt: str, left: str) -> None:
    (tag,) = find_tags(prompt)
    assert edit(prompt, [(tag, "")]) == left


@given(st.text())
def test_any_text_is_read_without_fault_and_tags_are_exact_slices(prompt: str) -> None:
    for tag in find_tags(prompt):
        assert prompt[tag.start : tag.end] == tag.text


@given(st.text().filter(lambda t: "<" not in t and ">" not in t))
def test_an_appended_tag_is_found_again_and_is_the_last(prompt: str) -> None:
    assert [t.text for t in find_tags(append(prompt, TAG))] == [TAG]
