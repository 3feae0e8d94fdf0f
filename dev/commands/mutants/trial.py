"""A process that runs the unit tests on mutants: a line of JSON in for each, one out.

It imports what the tests need besides this extension, and forks for each mutant; in the fork an import of the changed
module compiles the changed source.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import json
import os
import signal
import sys
import time
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

PROJECT = Path(__file__).resolve().parents[3]
LIBRARIES = ("pytest", "hypothesis.strategies", "numpy", "torch", "safetensors.torch", "requests", "gguf", "yaml")
LONGEST_S = 240
"""A mutant that makes the tests run longer than this is noticed, too."""
NOT_OF_THE_CORE = (
    "bypass download docs layers lora_storage tcd front_end dangerous panel_memory markup settings_page".split()
)


def unit_tests() -> list[str]:
    """The files of the unit tests that are about the pure core."""
    files = sorted((PROJECT / "tests" / "unit").glob("test_*.py"))
    return [str(path) for path in files if not any(word in path.stem for word in NOT_OF_THE_CORE)]


def in_order(tests: list[str], file: str) -> list[str]:
    """The tests whose names have a word of a file's name come first: they notice its mutants the soonest."""
    words = {word.rstrip("s") for word in Path(file).stem.split("_")} | {Path(file).parent.name.rstrip("s")}

    def strangeness(test: str) -> tuple[int, int]:
        own = {word.rstrip("s") for word in Path(test).stem.removeprefix("test_").split("_")}
        return -len(words & own), os.path.getsize(test)

    return sorted(tests, key=strangeness)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds one module, with another source than its file's."""

    def __init__(self, module: str, path: Path, source: str) -> None:
        self._module, self._loader = module, _Loader(module, str(path))
        self._loader.mutated = source

    def find_spec(self, name: str, _path: Any = None, _target: ModuleType | None = None) -> Any:
        if name != self._module:
            return None
        return importlib.machinery.ModuleSpec(name, self._loader, origin=self._loader.path)


class _Loader(importlib.machinery.SourceFileLoader):
    mutated = ""

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.mutated, self.path, "exec", dont_inherit=True)


class FirstFailure:
    """A plugin of pytest that keeps the name of the first test that fails."""

    name = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and not self.name:
            self.name = report.nodeid.rpartition("/")[2]


def main() -> None:
    sys.path[:0] = [str(PROJECT)]
    for name in LIBRARIES:
        __import__(name)
    assert not any(name.partition(".")[0] == "lib_hypersd" for name in sys.modules)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(_in_a_fork(request)), flush=True)


def _in_a_fork(request: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        os.setsid()
        os.write(writing, json.dumps(_tested(request)).encode())
        os._exit(0)
    os.close(writing)
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(LONGEST_S)
    try:
        with os.fdopen(reading, "rb") as pipe:
            answer = json.loads(pipe.read() or b'{"killed": true, "by": "the process ended"}')
    except TimeoutError:
        os.killpg(pid, signal.SIGKILL)
        answer = {"killed": True, "by": f"more than {LONGEST_S} s"}
    finally:
        signal.alarm(0)
    os.waitpid(pid, 0)
    return {**answer, "seconds": round(time.monotonic() - start, 1)}


def _too_long(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError


def _tested(request: dict[str, Any]) -> dict[str, Any]:
    """Whether a test fails, and which one first."""
    import pytest

    nothing = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nothing, number)
    if request["source"] is not None:
        sys.meta_path.insert(0, _Finder(request["module"], PROJECT / request["file"], request["source"]))
    plugin = FirstFailure()
    tests = in_order(unit_tests(), request["file"])
    arguments = ["-x", "-q", "-p", "no:cacheprovider", "--rootdir", str(PROJECT), "-p", "no:xdist"]
    status = pytest.main([*arguments, "--hypothesis-seed=0", *tests], plugins=[plugin])
    return {"killed": status != pytest.ExitCode.OK, "by": plugin.name or f"pytest ended with {int(status)}"}


if __name__ == "__main__":
    main()
