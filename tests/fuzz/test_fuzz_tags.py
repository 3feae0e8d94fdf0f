"""Prompts: any text is read, edited and printed without a fault, and once is enough."""

from __future__ import annotations

from typing import get_args

import pytest
from mutation import ODD, Case
from runs import run_cases
from unit.files import lora

from lib_hypersd.models import catalog
from lib_hypersd.models.lora_index import LoraFile, LoraIndex
from lib_hypersd.request import prompt_tags, tag_rule
from lib_hypersd.request.prompt_tags import CommentSyntax

MINE, HALF = "Hyper-SD15-8steps-lora", "Hyper-SD15-4steps-lora"
CORPUS = (
    "",
    "a small cat, (best quality:1.2), [fog|mist]",
    f"a cat <lora:{MINE}:0.8>",
    f"<lora:{MINE}> a cat <lora:detail:0.5:0.7:8> AND a dog <lora:{HALF}:te=1:unet=0.5>",
    "a cat <lora:hyper-sd15>, <lora:Hyper-SDXL-4steps:0.5> BREAK <lora:hyper-flux-8step>",
    "a cat # <lora:hyper-sd15>\nmore, <lora:HYPER-SD15-12steps-CFG-lora:1>",
    "a cat /* <lora:hyper-sd15> */ <lyco:hyper-sd15:lbw=OUTALL> // <lora:x>",
    f"(<lora:{MINE}:1:2>:1.1) [<lora:hyper-sd15-2steps>:dog:0.5]\n\n<lora:detail::1>",
)
WORDS = (
    *("<", ">", "<lora:", "<lyco:", "<lo", "ra:", ":", "=", ":te=", ":unet=", ":dyn="),
    *("#", "//", "/*", "*/", "\n", " "),
    *("<lora:hyper-sd15>", f"<lora:{MINE}:1>", f"<lora:{HALF}>", "<lora:detail:1>", "<lora:hyper-sdxl>", "<lora:x"),
    *("hyper-sd15", "hyper-", "sd15", "-8steps", "-cfg", "-lora", MINE, HALF, "detail", "1", "0.5", "1e400"),
    *(
        "nan",
        "-1",
        "AND",
        "BREAK",
        "((",
        "))",
        "<lora:hyper-\u017fd15>",
        "<lora:hyper-sd15-\u0663steps>",
        "\ud800",
        "\u00a0",
    ),
)
SYNTAXES: tuple[CommentSyntax, ...] = get_args(CommentSyntax)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> LoraIndex:
    folder = tmp_path_factory.mktemp("Lora")
    return LoraIndex(lora(folder, name) for name in (MINE, HALF, "detail", "my-hyper-8step"))


def test_reading_editing_and_adding_tags() -> None:
    def check(case: Case) -> None:
        prompt, comments = case.text(CORPUS, WORDS), case.choice(SYNTAXES)
        tags = prompt_tags.find_tags(prompt, comments=comments)
        end = 0
        for tag in tags:
            assert end <= tag.start < tag.end
            end = tag.end
            assert prompt[tag.start : tag.end] == tag.text
            assert tag.text[6:-1] == ":".join((tag.name, *tag.args))
            again = prompt_tags.find_tags(prompt_tags.renamed(tag, "other", 0.5), comments="none")
            assert [t.name for t in again] == ["other"]
            assert again[0].weight is not None
            catalog.parse_alias(tag.name)
        assert prompt_tags.edit(prompt, [(tag, tag.text) for tag in tags]) == prompt
        without = prompt_tags.edit(prompt, [(tag, "") for tag in tags])
        assert prompt_tags.find_tags(without, comments=comments) == [], (prompt, without)
        assert _letters(without) == _letters(_outside(prompt, tags)), (prompt, without)
        added = prompt_tags.append(prompt, "<lora:other:1>", comments=comments)
        found = [tag.text for tag in prompt_tags.find_tags(added, comments=comments)]
        assert found == [*(tag.text for tag in tags), "<lora:other:1>"], (prompt, added)

    run_cases("tags", check)


def test_the_rule_of_one_tag(index: LoraIndex) -> None:
    files: list[LoraFile | None] = [*index.files, index.requested_file("detail"), None]

    def check(case: Case) -> None:
        prompt, file, comments = case.text(CORPUS, WORDS), case.choice(files), case.choice(SYNTAXES)
        family, steps = case.choice(("sd15", "sdxl", None)), case.choice((None, 2, 8))
        tag = prompt_tags.format_tag(file.name, 1.0) if file else ""
        reader = tag_rule.TagReader(tag_rule.Lookups(index), family, comments, steps)
        rule = tag_rule.TagRule(reader, file, tag, 1.0)
        once = rule.apply(prompt)
        assert rule.apply(once.prompt) == tag_rule.Retagged(once.prompt), (prompt, once)
        names = [tag.name for tag in prompt_tags.find_tags(once.prompt, comments=comments)]
        assert not any(tag_rule.meaning_of(name, index).alias for name in names), (prompt, once)
        if file:
            assert names.count(file.name) == 1, (prompt, once)
        twice = rule.apply(prompt, doubles_stay=True)
        assert rule.apply(twice.prompt, doubles_stay=True).edits == (), (prompt, twice)
        before = prompt_tags.find_tags(prompt, comments=comments)
        after = prompt_tags.find_tags(once.prompt, comments=comments)
        assert _letters(_outside(once.prompt, after)) == _letters(_outside(prompt, before)), (prompt, once)
        typed = reader.first_typed([prompt])
        assert typed.tag is None or typed.tag in before
        tag_rule.requested_by_tags(
            [prompt], tag_rule.Lookups(index), case.choice(("aliases", "all", "none")), comments=comments
        )

    run_cases("tag rules", check)


def _outside(prompt: str, tags: list[prompt_tags.LoraTag]) -> str:
    """What stands around the tags."""
    ends = [0, *(tag.end for tag in tags)]
    starts = [*(tag.start for tag in tags), len(prompt)]
    return "".join(prompt[a:b] for a, b in zip(ends, starts, strict=True))


def _letters(text: str) -> str:
    """Without white space, which an edit may take or leave."""
    return "".join(text.split())


def test_any_alias_is_of_the_catalog() -> None:
    for letters in ("sdxl", "sd15", "sd3", "flux"):
        for odd in ODD:
            for at in range(len(letters)):
                alias = catalog.parse_alias(f"hyper-{letters[:at]}{odd}{letters[at + 1:]}")
                assert alias is None or alias.family in catalog.FAMILY_TITLES
