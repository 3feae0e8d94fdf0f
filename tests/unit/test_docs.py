"""The docs hold: links, paths and commands exist, README stays short, no page is forgotten."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
README, INDEX = ROOT / "README.md", ROOT / "docs" / "README.md"
PAGES = sorted(
    {
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "dev/miniature/README.md")),
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / ".github").rglob("*.md"),
    }
)
"""All of the project's pages."""
MOST_LINES_OF_README = 150
FOLDERS = ("lib_hypersd", "tests", "dev", "docs", "scripts", "javascript", ".github")
"""Folders of the repository by whose names a path in backticks is known for one."""

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())

_CODE = re.compile(r"^```.*?^```$|^ {4}[^\n]*$", re.MULTILINE | re.DOTALL)
_INLINE_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
_RUN = re.compile(r"python3?[.\d]* run\.py(?: +([\w-]+)(?: +([\w:/.-]+))?)?")
_MODULE = re.compile(r"-m (dev\.[\w.]*\w)")


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def _prose(page: Path) -> str:
    """A page without its blocks of code, fenced or indented."""
    return _CODE.sub("", _text(page))


def _anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings; a heading that comes again is numbered."""
    found: dict[str, int] = {}
    for heading in _HEADING.findall(_prose(page)):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
    return {f"{slug}-{n}" if n else slug for slug, most in found.items() for n in range(most + 1)}


def _links(page: Path) -> Iterator[str]:
    """Links and pictures that lead to something of this repository."""
    without_code = _INLINE_CODE.sub("", _prose(page))
    yield from (link for link in _LINK.findall(without_code) if not re.match(r"[a-z]+:", link))


def _constant(file: str, name: str) -> Any:
    """A constant of a Python file, which is not imported for it."""
    for node in ast.parse(_text(ROOT / file)).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return ast.literal_eval(node.value)
    raise AssertionError(f"{file} has no constant {name}")


@each_page
def test_no_link_is_dead(page: Path) -> None:
    dead = []
    for link in _links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            dead.append(link)
    assert dead == []


@each_page
def test_no_link_is_written_so_that_it_is_not_seen(page: Path) -> None:
    """A reference link, or one over two lines, would not be checked above."""
    assert re.findall(r"\]\[|^\[[^\]]+\]: |\]\([^)]*\n", _prose(page), re.MULTILINE) == []


@each_page
def test_every_path_in_backticks_exists(page: Path) -> None:
    words = (word for code in _INLINE_CODE.findall(_prose(page)) for word in code.split())
    paths = {word for word in words if word.partition("/")[0] in FOLDERS and "/" in word}
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []


@each_page
def test_every_command_exists(page: Path) -> None:
    commands = _constant("run.py", "COMMANDS")
    seconds = {
        "bench": _constant("dev/commands/bench.py", "BENCHMARKS"),
        "live": _constant("dev/commands/live.py", "PROFILES"),
    }
    unknown = []
    for command, second in _RUN.findall(_text(page)):
        known = command in commands or not command
        if command in seconds and second and not second.startswith(("http:", "-", "URL", "PROFILE", "NAME")):
            known = known and second in seconds[command]
        if not known:
            unknown.append(f"{command} {second}")
    assert unknown == []


@each_page
def test_every_module_that_is_run_exists(page: Path) -> None:
    modules = {name: ROOT / name.replace(".", "/") for name in _MODULE.findall(_text(page))}
    missing = [name for name, path in modules.items() if not (path.with_suffix(".py").is_file() or path.is_dir())]
    assert missing == []
    assert re.findall(r"-m (?:commands|miniature|miniwebui)\b", _text(page)) == []


def test_readme_is_short() -> None:
    assert len(_text(README).splitlines()) <= MOST_LINES_OF_README


def test_the_index_has_every_page() -> None:
    linked = {(INDEX.parent / link.partition("#")[0]).resolve() for link in _links(INDEX)}
    pages = [page for page in PAGES if ".github" not in page.parts and page != INDEX]
    assert [page.relative_to(ROOT).as_posix() for page in pages if page not in linked] == []


def test_no_picture_or_other_file_of_the_docs_is_forgotten() -> None:
    shown = {(page.parent / link.partition("#")[0]).resolve() for page in PAGES for link in _links(page)}
    files = (path for path in (ROOT / "docs").iterdir() if path != INDEX)
    assert sorted(path.name for path in files if path not in shown) == []


def test_readme_has_the_request_that_the_api_page_tries_out() -> None:
    """tests/host/test_webuiapi.py runs the one of docs/api.md."""
    [readme], api = (
        re.findall(r"^```sh\n(.*?)^```$", _text(page), re.M | re.S) for page in (README, ROOT / "docs/api.md")
    )
    assert readme == api[0]


def test_every_promise_names_the_tests_that_hold_it() -> None:
    """Each section of docs/contract.md that promises something ends with its tests, all of which exist."""
    sections = re.split(r"^(?=#{2,3} )", _prose(ROOT / "docs" / "contract.md"), flags=re.MULTILINE)[1:]
    lacking = [
        section.splitlines()[0] for section in sections if len(section.splitlines()) > 3 and "Tests: `" not in section
    ]
    assert lacking == ["### Weights"]  # by the tests of what an active run does


def test_a_heading_has_githubs_anchor(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    headings = ("# X/Y/Z plot", "## POST /hypersd/v1/download", "## `a_b` and [c](d.md) …", "## Again", "## Again")
    page.write_text("\n\n".join((*headings, "```sh\n# no heading\n```")), encoding="utf-8")
    assert _anchors(page) == {"xyz-plot", "post-hypersdv1download", "a_b-and-c-", "again", "again-1"}
