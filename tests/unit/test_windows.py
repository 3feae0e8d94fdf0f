"""What Windows refuses or reads otherwise: modules, names, encodings, paths, and files that somebody has open."""

from __future__ import annotations

import ast
import ntpath
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from lib_hypersd import files
from lib_hypersd.downloads import part
from lib_hypersd.lora import tensors
from lib_hypersd.models import lora_cache
from lib_hypersd.models.catalog import VARIANTS
from lib_hypersd.models.checkpoint import describe, listed_stems
from lib_hypersd.models.lora_index import LoraIndex, RegisteredLora, SameStem, stem_of

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*(ROOT / "lib_hypersd").rglob("*.py"), *(ROOT / "scripts").glob("*.py"), ROOT / "install.py"])


# The code -----------------------------------------------------------------------------------------------------------

UNIX_MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
UNIX_NAMES = {
    "os": {"chown", "fork", "geteuid", "getuid", "killpg", "mkfifo", "statvfs", "O_NOFOLLOW", "O_DIRECTORY", "EX_OK"},
    "signal": {"SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR1", "alarm"},
    "time": {"tzset"},
    "errno": {"EDQUOT"},
}
TEXT_METHODS = {"read_text": 0, "write_text": 1}
"""Of Path, with the place of their encoding among the arguments."""


def _unlike_windows(source: str) -> Iterator[str]:
    """What is missing on Windows, and text that is read or written in whatever encoding is the machine's."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [str(node.module)]
            yield from UNIX_MODULES.intersection(names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in UNIX_NAMES.get(node.value.id, ()):
                yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.Call):
            yield from _without_encoding(node)


def _without_encoding(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if any(keyword.arg == "encoding" for keyword in call.keywords):
        return
    if name == "print":
        yield "print"  # onto a console of any code page
    if name == "open" and not isinstance(call.func, ast.Attribute):
        mode = call.args[1] if len(call.args) > 1 else None
        if not (isinstance(mode, ast.Constant) and "b" in str(mode.value)):
            yield "open"
    if name in TEXT_METHODS and len(call.args) <= TEXT_METHODS[name]:
        yield name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_used_that_windows_lacks_nor_text_of_an_unnamed_encoding(path: Path) -> None:
    assert list(_unlike_windows(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import fcntl",
        "from pwd import getpwnam",
        "os.geteuid()",
        "open(path)",
        "open(path, 'w')",
        "open(path, mode)",
        "path.read_text()",
        "path.write_text(text)",
        "print('→')",
    ],
)
def test_what_windows_lacks_is_seen(source: str) -> None:
    assert list(_unlike_windows(source))


@pytest.mark.parametrize("source", ["open(path, 'rb')", "open(path, encoding='utf-8')", "path.read_text('utf-8')"])
def test_what_is_the_same_everywhere_is_not(source: str) -> None:
    assert list(_unlike_windows(source)) == []


def test_what_hosts_read_in_the_machines_code_page_is_ascii() -> None:
    """A1111 has configparser read metadata.ini without an encoding."""
    for name in ("metadata.ini", "style.css", *(f"javascript/{path.name}" for path in (ROOT / "javascript").iterdir())):
        assert (ROOT / name).read_bytes().isascii(), name


# Names --------------------------------------------------------------------------------------------------------------

RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
"""Devices, whatever the extension (learn.microsoft.com, "Naming Files, Paths, and Namespaces")."""


def _written() -> list[str]:
    """The names of all files that this extension writes into somebody's folders."""
    names = [variant.file for variant in VARIANTS]
    parts = [part.part_name(name, "0123456789ab", alone=alone) for name in names for alone in (True, False)]
    return [*names, *parts, *(f"{name}.lock" for name in names), "hypersd-panels.json", "hypersd-panels.json.broken-1"]


def test_every_name_that_is_written_is_one_on_windows() -> None:
    for name in _written():
        assert not RESERVED.fullmatch(name)
        assert not re.search(r'[<>:"/\\|?*\x00-\x1f]', name)
        assert not name.endswith((".", " "))


def test_no_two_of_them_differ_in_case_alone() -> None:
    names = _written()
    assert len({name.casefold() for name in names}) == len(names)


@pytest.mark.parametrize("name", ["CON", "nul.safetensors", "com1.x", "aux."])
def test_a_reserved_name_is_seen(name: str) -> None:
    assert RESERVED.fullmatch(name)


# Paths --------------------------------------------------------------------------------------------------------------


def test_names_with_folders_in_windows_way_are_read() -> None:
    index = LoraIndex(
        [RegisteredLora("Hyper-SD15-8steps-lora", "x", "C:\\w\\Lora\\Hyper-SD15-8steps-lora.safetensors")]
    )
    assert stem_of("speed\\my-lora.safetensors") == "my-lora"
    assert index.file_by_path("speed\\Hyper-SD15-8steps-lora") is index.files[0]
    assert listed_stems("style\\My_Turbo.safetensors") == {"my_turbo"}
    assert describe("sdxl\\my_turbo.safetensors", "sdxl").name == "my_turbo.safetensors"


_TREE = {
    "C:\\w\\models/Lora": (["old", "New"], []),
    "C:\\w\\models/Lora\\old": ([], ["Hyper-SD15-8steps-lora.safetensors"]),
    "C:\\w\\models/Lora\\New": ([], ["Hyper-SD15-8steps-lora.SAFETENSORS", "notes.txt"]),
}
"""A LoRA folder with both slashes, as a host on Windows names it: folders and files of each."""


@pytest.fixture
def _windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """`os` of Windows over that tree, for lora_cache."""

    def walk(root: str, followlinks: bool) -> Iterator[tuple[str, list[str], list[str]]]:
        return ((folder, *map(list, entries)) for folder, entries in _TREE.items())  # type: ignore[misc]

    def listdir(folder: str) -> list[str]:
        return [name for names in _TREE[folder] for name in names]

    def stat(_: str) -> Any:
        return SimpleNamespace(st_mtime_ns=1)

    system = SimpleNamespace(path=ntpath, sep="\\", curdir=".", walk=walk, listdir=listdir, stat=stat)
    monkeypatch.setattr(ntpath, "realpath", lambda path: ntpath.normcase(ntpath.normpath(path)))
    monkeypatch.setattr(lora_cache, "os", system)


@pytest.mark.usefixtures("_windows")
def test_files_of_one_stem_are_named_as_a_person_knows_them_on_windows() -> None:
    """The one that the host lists is known by any slashes and case."""
    name, root = "Hyper-SD15-8steps-lora", "C:\\w\\models/Lora"
    listed = RegisteredLora(name, name, f"C:/w/models/LORA/old/{name}.safetensors")
    cache = lora_cache.LoraCache(lambda: [listed], lambda entry: listed, lambda: None, lambda: [root], dict)
    used, other = f"Lora/old/{name}.safetensors", f"Lora/New/{name}.SAFETENSORS"
    assert cache.index().same_stems == {name: SameStem(used, (other,))}


@pytest.mark.usefixtures("_windows")
def test_a_file_has_the_name_that_its_folder_lists_on_windows() -> None:
    folder = "C:\\w\\models/Lora\\old"
    assert lora_cache._has_this_name(f"{folder}\\Hyper-SD15-8steps-lora.safetensors")
    assert not lora_cache._has_this_name(f"{folder}\\hyper-sd15-8STEPS-lora.safetensors")


# Open files ---------------------------------------------------------------------------------------------------------


def test_a_step_that_windows_refuses_is_tried_again_and_then_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(files.time, "sleep", pauses.append)
    monkeypatch.setattr(files, "WINDOWS", True)

    def refused() -> None:
        raise PermissionError

    with pytest.raises(PermissionError):
        files.patiently(refused)
    assert tuple(pauses) == files.PAUSES_S
    assert files.patiently(lambda: 7) == 7


def test_elsewhere_and_for_other_errors_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files.time, "sleep", pytest.fail)
    for windows, error in ((False, PermissionError()), (True, FileNotFoundError())):
        monkeypatch.setattr(files, "WINDOWS", windows)

        def refused(error: OSError = error) -> None:
            raise error

        with pytest.raises(type(error)):
            files.patiently(refused)


def test_a_lora_whose_tensors_are_kept_is_not_held_open(tmp_path: Path) -> None:
    """A file that is mapped can't be replaced on Windows; elsewhere its tensors change, or the process dies."""
    path = tmp_path / "my-lora.safetensors"
    save_file({"a": torch.arange(4096.0)}, path)
    kept = tensors.tensors_of(str(path))
    try:
        maps = Path("/proc/self/maps")
        if maps.exists():
            assert str(path) not in maps.read_text(encoding="utf-8")
        path.write_bytes(bytes(path.stat().st_size))
        assert torch.equal(kept["a"], torch.arange(4096.0))
    finally:
        tensors.forget()
