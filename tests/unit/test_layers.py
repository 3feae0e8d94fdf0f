"""Who may import what: the rooms of lib_hypersd, from the ground up."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "lib_hypersd"

FLOORS: tuple[tuple[str, ...], ...] = (
    ("text", "files"),
    ("sampling",),
    ("models",),
    ("request", "lora"),
    ("plan",),
    ("downloads",),
    ("host",),
    ("panel", "api", "generation"),
)
"""Each room may import from those on lower floors, and from its own files; rooms on one floor don't know each other."""
PURE = ("text", "files", "models", "request", "plan")
"""Rooms that need neither torch nor gradio nor the host."""
MOST_FLAT_FILES = 5
MEDIAN_LINES, MOST_LINES, MOST_LINES_OF_A_FUNCTION = 120, 350, 40


def _files() -> list[Path]:
    return sorted(LIBRARY.rglob("*.py"))


def _room(path: Path) -> str:
    """The folder directly below lib_hypersd, or the name of a flat file."""
    return path.relative_to(LIBRARY).with_suffix("").parts[0]


def _imports(path: Path) -> Iterator[str]:
    """Absolute names of the modules that a file imports, be it inside of a function."""
    package = [LIBRARY.name, *path.relative_to(LIBRARY).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _module_of(imported: str) -> str:
    """The file that an imported name stands in, which may be that file itself."""
    parts = imported.split(".")
    is_file = (ROOT / Path(*parts)).with_suffix(".py").is_file()
    return imported if is_file else ".".join(parts[:-1])


def _own_imports(path: Path) -> Iterator[str]:
    """The rooms and flat files of lib_hypersd that a file imports from."""
    names = {_room(file) for file in _files()}
    for imported in _imports(path):
        first, *rest = imported.split(".")
        if first == LIBRARY.name and rest and rest[0] in names:
            yield rest[0]


def test_a_room_imports_only_from_the_floors_below() -> None:
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    upward = [
        f"{path.relative_to(ROOT)} imports {room}"
        for path in _files()
        if _room(path) != "__init__"
        for room in _own_imports(path)
        if room != _room(path) and floor[room] >= floor[_room(path)]
    ]
    assert upward == []


def test_no_files_of_a_room_import_each_other_in_a_circle() -> None:
    names = {".".join(("lib_hypersd", *path.relative_to(LIBRARY).with_suffix("").parts)): path for path in _files()}
    asks = {
        name: {
            known for imported in _imports(path) for known in (imported, imported.rpartition(".")[0]) if known in names
        }
        for name, path in names.items()
    }
    while asks:
        leaves = {name for name, others in asks.items() if not (others & asks.keys()) - {name}}
        assert leaves, f"a circle among {sorted(asks)}"
        asks = {name: others for name, others in asks.items() if name not in leaves}


@pytest.mark.parametrize(
    "path", [p for p in _files() if _room(p) in PURE], ids=lambda p: p.relative_to(LIBRARY).as_posix()
)
def test_the_core_needs_neither_torch_nor_gradio_nor_the_host(path: Path) -> None:
    assert not {name.split(".")[0] for name in _imports(path)} & {"torch", "gradio", "modules"}


def test_importing_the_core_imports_neither_torch_nor_gradio() -> None:
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in _files() if _room(path) in PURE]
    code = f"import sys, {', '.join(modules)}; print([m for m in ('torch', 'gradio', 'modules') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).strip() == "[]"


def test_only_host_and_scripts_import_the_hosts_modules() -> None:
    rooms = {_room(path) for path in _files() if any(name.split(".")[0] == "modules" for name in _imports(path))}
    assert rooms == {"host"}


def test_the_panel_is_built_without_torch() -> None:
    code = "import sys, lib_hypersd.panel.controls; print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).strip() == "False"


def test_few_files_lie_flat() -> None:
    assert len(list(LIBRARY.glob("*.py"))) <= MOST_FLAT_FILES


def test_files_and_functions_fit_on_a_screen() -> None:
    lines = sorted((len(path.read_text(encoding="utf8").splitlines()), path.name) for path in _files())
    assert lines[len(lines) // 2][0] <= MEDIAN_LINES
    assert lines[-1][0] <= MOST_LINES, lines[-1]
    long = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in _files()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > MOST_LINES_OF_A_FUNCTION
    ]
    assert long == []
