"""What runs in somebody's WebUI evaluates nothing, unpickles nothing, starts no process, and installs nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*(ROOT / "lib_hypersd").rglob("*.py"), *(ROOT / "scripts").glob("*.py"), ROOT / "install.py"])
BROUGHT_BY_HOSTS = {"fastapi", "starlette", "gradio", "huggingface_hub", "filelock", "safetensors", "torch", "tqdm"}
"""In every host's requirements_versions.txt, or required by what stands there."""
OURS = {"lib_hypersd", "modules", "backend", "ldm_patched"}
"""This extension's, and the hosts' own."""

CALLS = {"eval", "exec", "compile", "__import__", "breakpoint"}
METHODS = {
    "os": {"system", "popen", "fork", "startfile", "execv", "execve", "execvp", "spawnv", "spawnl"},
    "torch": {"load", "hub"},
    "yaml": {"load", "unsafe_load", "full_load"},
    "numpy": {"load"},
    "np": {"load"},
    "importlib": {"import_module", "reload"},
    "builtins": {"eval", "exec", "__import__"},
}
MODULES = {
    *("pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "dbm", "copyreg"),
    *("subprocess", "multiprocessing", "pty", "code", "codeop", "runpy", "ctypes", "imp", "pip", "ensurepip", "venv"),
    *("yaml", "urllib.request"),
}
"""None of them is needed; each would be a way for a file or a request to run something."""


def _dangers(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if _is_banned(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if _is_banned(node.module):
                yield node.module
            banned = METHODS.get(node.module, set())
            yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name in banned)
            yield from (each for alias in node.names if _is_banned(each := f"{node.module}.{alias.name}"))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in METHODS.get(node.value.id, set()):
                yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.Name) and node.id in CALLS:
            yield node.id
        elif isinstance(node, ast.keyword) and node.arg in ("shell", "weights_only", "allow_pickle"):
            yield f"{node.arg}="


def _is_banned(module: str) -> bool:
    return any(module == banned or module.startswith(f"{banned}.") for banned in MODULES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_dangerous_is_called(path: Path) -> None:
    assert list(_dangers(path.read_text(encoding="utf8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "eval(text)",
        "run = exec",
        "__import__(name)",
        "import pickle",
        "from pickle import loads",
        "import subprocess as s",
        "import os\nos.system(text)",
        "from os import system",
        "import torch\ntorch.load(path)",
        "from torch import load",
        "import yaml",
        "from urllib import request",
        "import urllib.request",
        "import importlib\nimportlib.import_module(name)",
        "run(text, shell=True)",
    ],
)
def test_what_is_dangerous_is_seen(source: str) -> None:
    assert list(_dangers(source))


def test_only_what_the_hosts_bring_is_imported() -> None:
    found = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add(str(node.module).split(".")[0])
    assert found - sys.stdlib_module_names - OURS <= BROUGHT_BY_HOSTS


def test_the_installer_installs_nothing() -> None:
    """It holds a docstring and nothing else, and imports nothing when it is run."""
    body = ast.parse((ROOT / "install.py").read_text(encoding="utf8")).body
    assert [type(node) for node in body] == [ast.Expr]
    told = subprocess.run([sys.executable, "-I", ROOT / "install.py"], capture_output=True, text=True, check=True)
    assert (told.stdout, told.stderr) == ("", "")


def test_no_requirements_file_makes_a_host_install_something() -> None:
    """Some launchers install what an extension's requirements.txt lists."""
    assert not (ROOT / "requirements.txt").exists()
