"""Where the pure core can be changed, and the changed sources."""

from __future__ import annotations

import ast
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from cosmic_ray.ast import Visitor, ast_nodes, get_ast
from cosmic_ray.operators.operator import Operator
from cosmic_ray.operators.provider import OperatorProvider

PROJECT = Path(__file__).resolve().parents[3]
CORE = ("models", "plan", "request", "sampling/names.py", "text.py")
"""What of lib_hypersd decides on a plan, without a host."""
OPERATORS = tuple(
    name
    for name in OperatorProvider()
    # A decorator's removal, an exception of another class and new variables don't run at all, or change nothing.
    if name not in ("RemoveDecorator", "ExceptionReplacer", "VariableInserter", "VariableReplacer")
    # Nor does "is" in the place of "==", for a word that the interpreter keeps once.
    and not name.endswith(("_Eq_Is", "_NotEq_IsNot", "_Is_Eq", "_IsNot_NotEq"))
)


@dataclass(frozen=True)
class Mutant:
    """One change of one file: the `occurrence`-th place of an operator, which is on `line`."""

    file: str
    line: int
    operator: str
    occurrence: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.operator} {self.occurrence}"

    @property
    def module(self) -> str:
        return self.file.removesuffix(".py").replace("/", ".")

    def source(self) -> str:
        """The file's source after the change."""
        walk = _Change(_operator(self.operator), self.occurrence)
        return str(walk.walk(get_ast((PROJECT / self.file).read_text(encoding="utf-8"))).get_code())

    def compiles(self) -> bool:
        try:
            compile(self.source(), self.file, "exec")
        except SyntaxError:
            return False
        return True

    def change(self) -> str:
        """The line before and after the change."""
        before = (PROJECT / self.file).read_text(encoding="utf-8").splitlines()
        after = self.source().splitlines()
        line = next((i for i, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), 0)
        return f"{before[line].strip()}  →  {after[line].strip()}"


def sample(count: int, seed: int) -> list[Mutant]:
    """So many mutants, at most one for each place and kind of change; each file's share is that of its places."""
    places = [place for path in _files() for place in places_in(path)]
    chance = random.Random(seed)
    chance.shuffle(places)
    chosen = (chance.choice(place) for place in places)
    return list(islice((mutant for mutant in chosen if mutant.compiles()), count))


def _files() -> Iterator[Path]:
    for name in CORE:
        path = PROJECT / "lib_hypersd" / name
        yield from sorted(path.glob("*.py")) if path.is_dir() else [path]


def places_in(path: Path) -> list[Sequence[Mutant]]:
    """The mutants of a file, by place and kind of change: a comparison can become any other one."""
    source = path.read_text(encoding="utf-8")
    tree, quiet = get_ast(source), _quiet_lines(ast.parse(source))
    places: dict[tuple[str, tuple[int, int]], list[Mutant]] = defaultdict(list)
    met: Counter[str] = Counter()
    for node in ast_nodes(tree):
        for name, operator in _ALL.items():
            for start, _ in operator.mutation_positions(node):
                if start[0] not in quiet:
                    mutant = Mutant(path.relative_to(PROJECT).as_posix(), start[0], name, met[name])
                    places[name.partition("_")[0], start].append(mutant)
                met[name] += 1
    return list(places.values())


def _quiet_lines(tree: ast.Module) -> set[int]:
    """The lines of what says nothing at run time: annotations, decorators (caches, frozen), imports."""
    lines: set[int] = set()
    for node in ast.walk(tree):
        parts: list[Any] = [getattr(node, name, None) for name in ("annotation", "returns")]
        parts += getattr(node, "decorator_list", [])
        parts += [node] if isinstance(node, ast.Import | ast.ImportFrom) else []
        alias = isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript | ast.BinOp)
        if alias and isinstance(node, ast.Assign) and _is_type(node.value):
            parts.append(node)
        for part in filter(None, parts):
            lines.update(range(part.lineno, part.end_lineno + 1))
    return lines


def _is_type(value: ast.expr) -> bool:
    """Whether a value is a type's alias: Literal[…], Mapping[str, int], "int | None"."""
    if isinstance(value, ast.BinOp):
        return isinstance(value.op, ast.BitOr) and _is_type(value.left) and _is_type(value.right)
    if isinstance(value, ast.Subscript):
        return _is_type(value.value)
    return isinstance(value, ast.Name) and (value.id[:1].isupper() or value.id in ("int", "float", "str", "tuple"))


def _operator(name: str) -> Operator:
    return OperatorProvider()[name]()


_ALL = {name: _operator(name) for name in OPERATORS}


class _Change(Visitor):  # type: ignore[misc]
    """Changes a source at the `wanted`-th of an operator's places, in the order of `ast_nodes`."""

    def __init__(self, operator: Operator, wanted: int) -> None:
        self._operator, self._wanted, self._met = operator, wanted, 0

    def visit(self, node: Any) -> Any:
        for index, _ in enumerate(list(self._operator.mutation_positions(node))):
            if self._met == self._wanted:
                node = self._operator.mutate(node, index)
            self._met += 1
        return node
