"""A view of a host's object in which some attributes have other values, for code that reads them from a module."""

from typing import Any


class View:
    """An object with some attributes replaced."""

    def __init__(self, real: Any, **replaced: Any) -> None:
        self.__dict__.update(replaced, _real=real)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def with_options(module: Any, **options: Any) -> View:
    """What a module of the host may have in place of its `shared`, to see other values of some options.

    Whoever puts it there takes it away again in a `finally`, by a statement that can't fail. Nobody else sees the
    values: who reads or saves the options meanwhile gets the person's.
    """
    return View(module.shared, opts=View(module.shared.opts, **options))
