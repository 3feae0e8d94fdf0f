"""All faults on one profile: `python -m dev.commands.faults.trial --profile forge`; one JSON line tells what became."""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import deeds, scenes, table
from .host import Drawn, Host
from .judge import References, fault_afterwards, fault_in
from .sites import Site, failing, sites_of
from .watch import Read


@dataclass
class Tally:
    """Faults tried, by group, and what was wrong after which."""

    tried: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def add(self, group: str, name: str, wrong: str | None) -> None:
        self.tried[group] = self.tried.get(group, 0) + 1
        if wrong:
            self.failed.append(f"{group}: {name}: {wrong}")
            print(self.failed[-1][:500], file=sys.__stdout__, flush=True)


@dataclass(frozen=True)
class How:
    """How much is tried: part `share[0]` of `share[1]`, of scenes and deeds whose name holds `only`.

    `kinds` is where the turns of exceptions and values begin; the next pictures are drawn after each `every`-th fault.
    """

    share: tuple[int, int]
    only: str
    kinds: int
    every: int
    is_quick: bool


class Trial:
    def __init__(self, host: Host, how: How) -> None:
        self.host, self.tally, self._how = host, Tally(), how
        self._seen: set[Site | Read] = set()
        self._unseen = 0
        self._known: dict[str, References] = {}

    def mine(self, site: Site) -> bool:
        """Whether this profile tries it: what writes to `p` is tried on each, the rest is shared out."""
        return site.module.endswith(("generation.py", "writing.py")) or self._in_share(site)

    def _in_share(self, what: Site | Read | str, times: int = 1) -> bool:
        part, parts = self._how.share
        return zlib.crc32(str(what).encode()) % (parts * times) == part

    def run(self) -> None:
        options = [fault for fault in table.option_faults() if self._in_share(fault.name)]
        for fault in (*table.FAULTS, *options):
            here = self.host.has_schedule_types or not fault.of_schedule_types
            if here and self._how.only in f"table: {fault.name}":
                self._table(fault)
        for scene in scenes.PICTURES:
            if self._how.only in f"scene: {scene.name}" and not (scene.long and self._how.is_quick):
                self._scene(scene)
        self._begin(scenes.PICTURES[0])
        for deed in deeds.DEEDS:
            if self._how.only in f"deed: {deed.name}":
                with deed.around():
                    self._deed(deed)
        self._restarted()

    def _begin(self, scene: scenes.Scene) -> None:
        """Have the scene's pictures without a fault at hand."""
        if scene.name not in self._known:
            self.host.draw(scene.fields)
            on, off = self.host.draw(scene.fields), self.host.draw(scene.fields, off=True)
            self._known[scene.name] = References(on, off, self.host.account(scene.fields))
        self._references, self._before = self._known[scene.name], self.host.state()

    def _table(self, fault: table.Fault) -> None:
        scene = next(scene for scene in scenes.PICTURES if scene.name == fault.scene)
        self._begin(scene)

        def draw() -> Drawn:
            if fault.warm:
                self.host.account(scene.fields)
            with fault.broken(self.host):
                return self.host.draw(scene.fields)

        def judge(drawn: Drawn) -> str | None:
            wrong = fault_in(drawn, self._references, misled=True)
            if wrong or not fault.says:
                planned = "Hyper-SD" in drawn.own
                return wrong or (None if planned == fault.whole else "a plan" if planned else f"no plan: {drawn.own}")
            told = " ".join(drawn.own.values())
            return None if re.search(fault.says, told) else f'no "{fault.says}" in {told!r}'

        self._one("things", fault.name, scene, draw, judge)

    def _scene(self, scene: scenes.Scene) -> None:
        """Each call out that a picture comes by, and each field that is read for it, fails in turn."""
        self._begin(scene)
        self.host.forget()
        self.host.watch.reads.clear()
        sites = sites_of(lambda: self.host.draw(scene.fields))
        reads = list(self.host.watch.reads)
        for site in sites:
            if self._is_new(replace(site, turn=1), self.mine(site)):
                for turn in {site.turn} if self._how.is_quick else sorted({1, site.turn}):
                    self._call(scene, replace(site, turn=turn))
        for read in reads:
            if read not in scenes.LEFT_ALONE and self._is_new(read, self._in_share(read)):
                for value in scenes.values_for(read, self._how.kinds, 2 if self._how.is_quick else 7):
                    self._field(scene, read, value)
        self._look_back(scene)

    def _look_back(self, scene: scenes.Scene) -> None:
        """At the end of a scene, for its last faults."""
        wrong = self._seen_afterwards(scene) if self._unseen else None
        if wrong:
            self.tally.failed.append(f"{scene.name}, after one of its last {self._how.every} faults: {wrong}")

    def _deed(self, deed: deeds.Deed) -> None:
        """Each call out of what is no picture."""
        deed.do(self.host)
        whole, self._before = deed.do(self.host), self.host.state()
        self.host.forget()
        for site in sites_of(lambda: deed.do(self.host)):
            if self._is_new(replace(site, turn=1), self._in_share(site, 4 if deed.rare and self._how.is_quick else 1)):
                self._fault_in_deed(deed, whole, site)

    def _fault_in_deed(self, deed: deeds.Deed, whole: Any, site: Site) -> None:
        error = scenes.error_for(site, self._how.kinds, only_exceptions=True)
        answers: list[Any] = []
        self.host.forget()
        try:
            failing(site, error, lambda: answers.append(deed.do(self.host)))
            wrong = deed.fault_in(answers[0], whole) if answers else "the fault came through"
        except Exception as raised:
            wrong = f"{type(raised).__name__}: {raised}"
        again, state = deed.do(self.host), self.host.state()
        functions = deed.name == "the start"  # those of a start are new ones
        changed = {
            key: (self._before.get(key), now)
            for key, now in state.items()
            if now != self._before.get(key) and not (functions and key.startswith("modules"))
        }
        self._before = state
        if again != whole:
            wrong = f"{wrong or ''} afterwards it is {again}, not {whole}"
        elif changed:
            wrong = f"{wrong or ''} left changed: {str(changed)[:600]}"
        self.tally.add("deeds", f"{deed.name}, {type(error).__name__} {site}", wrong)

    def _restarted(self) -> None:
        """After all of it, "Reload UI" brings back a WebUI that draws as in the beginning."""
        scene = scenes.PICTURES[0]
        before = self._known[scene.name].whole
        self.host.restarted()
        after = self.host.draw(scene.fields)
        same = (after.own, after.rest) == (before.own, before.rest) and not after.distance(before)
        self.tally.add("deeds", "Reload UI after all faults", None if same else f"{after.own}, {after.rest}")

    def _is_new(self, what: Site | Read, mine: bool) -> bool:
        is_new = mine and what not in self._seen
        self._seen.add(what)
        return is_new

    def _call(self, scene: scenes.Scene, site: Site) -> None:
        error = scenes.error_for(site, self._how.kinds)
        reached: list[bool] = []

        def draw() -> Drawn | None:
            found: list[Drawn] = []
            reached.append(failing(site, error, lambda: found.append(self.host.draw(scene.fields))))
            return found[0] if found else None

        def judge(drawn: Drawn | None) -> str | None:
            if not reached[0]:
                return "the site was not reached"
            if drawn is None:
                return "no picture" if isinstance(error, Exception) else None
            return fault_in(drawn, self._references, silent=site.in_a_schedule)

        self._one("calls", f"{scene.name}, {type(error).__name__} {site}", scene, draw, judge)

    def _field(self, scene: scenes.Scene, read: Read, value: Any) -> None:
        def draw() -> Drawn:
            with self.host.watch.fault(read, value):
                return self.host.draw(scene.fields)

        def judge(drawn: Drawn) -> str | None:
            return fault_in(drawn, self._references, misled=True)

        self._one("fields", f"{scene.name}, {read.owner}.{read.field} is {value!r}", scene, draw, judge)

    def _one(
        self,
        group: str,
        name: str,
        scene: scenes.Scene,
        draw: Callable[[], Any],
        judge: Callable[[Any], str | None],
    ) -> None:
        """One fault: what it makes of the picture, and of the next ones."""
        self.host.forget()
        try:
            wrong = judge(draw())
        except Exception as raised:
            wrong = f"no picture: {type(raised).__name__}: {raised}"
        left = self._left(scene)
        self.tally.add(group, name, "; ".join(filter(None, (wrong, left))) or None)

    def _left(self, scene: scenes.Scene) -> str | None:
        """What a fault has left behind."""
        fields, after = scene.fields, self.host.state()
        changed = {key: (self._before.get(key), now) for key, now in after.items() if now != self._before.get(key)}
        self._before = after
        if changed:
            return f"left changed: {str(changed)[:600]}"
        account = self.host.account(fields)
        if account != self._references.account:
            return f"the next picture would be another one: {account}"
        self._unseen += 1
        return self._seen_afterwards(scene) if self._unseen >= self._how.every else None

    def _seen_afterwards(self, scene: scenes.Scene) -> str | None:
        """What the faults since the last look show in the next pictures."""
        fields, self._unseen = scene.fields, 0
        return fault_afterwards(self.host.draw(fields), self.host.draw(fields, off=True), self._references)


@contextlib.contextmanager
def _quiet(log: Path) -> Iterator[None]:
    """The host's own words into a file: a fault's traceback is no news here."""
    with log.open("w", encoding="utf-8") as out, contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        yield


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--profile", required=True)
    parser.add_argument("--share", default="0/1", help="part/parts of the faults; what writes to p is always tried")
    parser.add_argument("--only", default="", help="scenes whose name holds this")
    parser.add_argument("--kinds", type=int, default=0, help="where the turns of exceptions and values begin")
    parser.add_argument("--every", type=int, default=1, help="draw the next pictures after each so-many-th fault")
    parser.add_argument(
        "--quick", action="store_true", help="fewer turns of a call, values of a field, faults of a start"
    )
    parser.add_argument("--log", type=Path)
    args = parser.parse_args()
    part, parts = map(int, args.share.split("/"))
    with tempfile.TemporaryDirectory() as folder:
        with _quiet(args.log or Path(folder) / "log.txt"):
            how = How((part, parts), args.only, args.kinds, args.every, args.quick)
            trial = Trial(Host(args.profile, Path(folder)), how)
            trial.run()
        print(json.dumps({"tried": trial.tally.tried, "failed": trial.tally.failed}, ensure_ascii=False))


if __name__ == "__main__":
    main()
