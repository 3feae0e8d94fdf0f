"""Who may import what."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PURE = """plan target first_pass hires draft request recipes catalog prompt_tags tagging families lora_files
settings preferences second_pass infotext safetensors_header bounded_json panel.memory panel.outlook
panel.markup""".split()


def _imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names | {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module and not n.level}


@pytest.mark.parametrize("name", PURE)
def test_the_core_needs_neither_torch_nor_gradio_nor_the_host(name: str) -> None:
    told = f"import sys, lib_hypersd.{name}; print([m for m in ('torch', 'gradio', 'modules') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", told], cwd=ROOT, text=True).strip() == "[]"


def test_only_host_and_scripts_import_the_hosts_modules() -> None:
    meeting = {
        path.parent.name
        for path in (ROOT / "lib_hypersd").rglob("*.py")
        if any(name.split(".")[0] == "modules" for name in _imports(path))
    }
    assert meeting == {"host"}


def test_the_panel_is_built_without_torch() -> None:
    told = "import sys, lib_hypersd.panel.controls; print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", told], cwd=ROOT, text=True).strip() == "False"
