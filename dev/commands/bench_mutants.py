"""Mutants of the pure core tried and killed: small changes of its code that a unit test notices."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

from .arms import write_json
from .mutants.sites import Mutant, sample
from .server import PROJECT

SEED = 1


class _Tester:
    """A process that tests one mutant after the other."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "dev.commands.mutants.trial"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, text=True, env=environment)

    def test(self, mutant: Mutant, source: str | None) -> dict[str, Any]:
        """`killed`, `by` and `seconds`; without a source, of the code as it is."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"module": mutant.module, "file": mutant.file, "source": source}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def run(count: int, json_file: str | None) -> None:
    mutants = sample(count, SEED)
    whole = _Tester()
    unchanged = whole.test(mutants[0], None)
    whole.end()
    if unchanged["killed"]:
        raise SystemExit(f"error: {unchanged['by']} fails without any mutant")
    print(f"the tests take {unchanged['seconds']} s", flush=True)
    answers = _all(mutants)
    survivors = [mutant for mutant, answer in zip(mutants, answers, strict=True) if not answer["killed"]]
    for mutant in survivors:
        print(f"survived: {mutant}: {mutant.change()}")
    for file, number in sorted(Counter(mutant.file for mutant in survivors).items()):
        print(f"{file:50}{number:>5}")
    killed = len(mutants) - len(survivors)
    print(f"tried {len(mutants)}, killed {killed}, {killed / len(mutants):.1%}")
    figures = {"tried": len(mutants), "killed": killed, "tests_s": unchanged["seconds"]}
    write_json(json_file, {**figures, "survivors": [f"{each}: {each.change()}" for each in survivors]})


def _all(mutants: list[Mutant]) -> list[dict[str, Any]]:
    """Each mutant's answer, by one process for each of the machine's cores."""
    free: SimpleQueue[_Tester] = SimpleQueue()
    testers = [_Tester() for _ in range(os.cpu_count() or 1)]
    for tester in testers:
        free.put(tester)

    def test(mutant: Mutant) -> dict[str, Any]:
        tester = free.get()
        try:
            answer = tester.test(mutant, mutant.source())
        finally:
            free.put(tester)
        print(f"{answer['seconds']:>6} s  {'killed' if answer['killed'] else 'SURVIVED'}  {mutant}", flush=True)
        return answer

    with ThreadPoolExecutor(len(testers)) as pool:
        answers = list(pool.map(test, mutants))
    for tester in testers:
        tester.end()
    return answers
