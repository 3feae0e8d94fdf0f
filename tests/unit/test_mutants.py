"""The mutants of `run.py bench mutants`: each is a small change that runs, of something that says something."""

from __future__ import annotations

import pytest

from dev.commands.mutants.sites import PROJECT, Mutant, places_in
from dev.commands.mutants.trial import in_order, unit_tests

FILE = "lib_hypersd/plan/warnings.py"


@pytest.fixture(scope="module")
def mutants() -> list[Mutant]:
    """One of each place of a file."""
    return [place[-1] for place in places_in(PROJECT / FILE)]


def test_a_mutant_differs_from_its_file_in_one_line_and_runs(mutants: list[Mutant]) -> None:
    before = (PROJECT / FILE).read_text(encoding="utf-8").splitlines()
    for mutant in mutants:
        pairs = zip(before, mutant.source().splitlines(), strict=True)
        changed = [number for number, (old, new) in enumerate(pairs, start=1) if old != new]
        assert len(changed) == 1, mutant
        assert mutant.compiles(), mutant


def test_all_kinds_of_changes_are_among_them(mutants: list[Mutant]) -> None:
    kinds = {mutant.operator.partition("_")[0] for mutant in mutants}
    assert kinds >= {"AddNot", "NumberReplacer", "ReplaceComparisonOperator", "ReplaceAndWithOr"}
    assert "FAR_STEPS" in " ".join(mutant.change() for mutant in mutants)


def test_annotations_decorators_and_imports_are_left_alone(mutants: list[Mutant]) -> None:
    lines = (PROJECT / FILE).read_text(encoding="utf-8").splitlines()
    for mutant in mutants:
        assert not lines[mutant.line - 1].lstrip().startswith(("@", "import ", "from ")), mutant


def test_the_tests_of_the_same_name_come_first_and_none_is_left_out() -> None:
    tests = unit_tests()
    ordered = in_order(tests, "lib_hypersd/request/weight_schedule.py")
    assert ordered[0].endswith("test_weight_schedule.py")
    assert sorted(ordered) == tests
