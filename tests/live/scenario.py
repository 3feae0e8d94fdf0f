"""What a scenario is, and the checks that it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .client import Drawn, Picture
    from .target import Target


class SkippedError(Exception):
    """The target lacks what a scenario needs; the message says what."""


@dataclass(frozen=True)
class Scenario:
    """One promise: a name that states it, and a function that fails where it is broken."""

    name: str
    group: str
    run: Callable[[Target], None]


REGISTERED: list[Scenario] = []


def scenario(function: Callable[[Target], None]) -> Callable[[Target], None]:
    """Register a function; its module is the group, its name the promise."""
    group = function.__module__.rsplit(".", 1)[-1]
    REGISTERED.append(Scenario(function.__name__, group, function))
    return function


def check(holds: object, message: str) -> None:
    """Fail with the message unless it holds (as `assert` does, under -O too)."""
    if not holds:
        raise AssertionError(message)


def equal(got: object, wanted: object, what: str) -> None:
    check(got == wanted, f"{what}: got {_short(got)}, wanted {_short(wanted)}")


def near(got: float, wanted: float, what: str, within: float = 1e-6) -> None:
    check(abs(got - wanted) <= within, f"{what}: got {got}, wanted {wanted} within {within}")


def same_picture(got: Picture, wanted: Picture, what: str, tolerance: int = 0) -> None:
    distance = got.distance(wanted)
    check(distance <= tolerance, f"{what}: pixels differ by up to {distance} of 255 (allowed: {tolerance})")


def other_picture(got: Picture, wanted: Picture, what: str) -> None:
    check(got.distance(wanted) > 0, f"{what}: the pictures are the same")


def drawn_as_stock(drawn: Drawn, stock: Drawn, what: str) -> None:
    """Equal pixels and, the extension's own fields aside, equal infotext."""
    same_picture(drawn.picture, stock.picture, what)
    equal(drawn.infotext.prompt, stock.infotext.prompt, f"{what}: prompt")
    equal(drawn.infotext.negative_prompt, stock.infotext.negative_prompt, f"{what}: negative prompt")
    equal(drawn.infotext.foreign(), stock.infotext.foreign(), f"{what}: infotext")


def only_fields(drawn: Drawn, names: Iterable[str], what: str) -> None:
    """These fields of the extension are in the infotext, and no others."""
    equal(sorted(drawn.infotext.own()), sorted(names), f"{what}: the extension's fields in the infotext")


def all_of(failures: Iterable[str]) -> None:
    """Fail once for many cases, so that one run shows all of them."""
    found = [failure for failure in failures if failure]
    check(not found, f"{len(found)} cases: " + " | ".join(found))


def failure_of(action: Callable[[], None]) -> str:
    """The message of a failed check, or nothing."""
    try:
        action()
    except AssertionError as error:
        return str(error)
    return ""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 400 else text[:397] + "…"
