"""Imports k-diffusion's samplers without what only its training needs.

Its `__init__` and `utils` pull in torchvision, and that the whole of torch's compiler: seconds at every start.
The package is the real one; only those two imports are put off until something asks for them.
"""

import importlib
import importlib.util
import sys
import types

_HEAVY = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")


def _placeholder(name: str) -> types.ModuleType:
    module = types.ModuleType(name)
    module.__path__ = []
    for other in _HEAVY:
        parent, _, leaf = other.rpartition(".")
        if parent == name:
            setattr(module, leaf, None)
    return module


def load() -> None:
    """Put `k_diffusion` with `sampling`, `external` and `utils` into sys.modules; the rest comes when asked for."""
    if "k_diffusion" in sys.modules:
        return
    spec = importlib.util.find_spec("k_diffusion")
    package = types.ModuleType("k_diffusion")
    package.__path__, package.__spec__, package.__file__ = spec.submodule_search_locations, spec, spec.origin

    def on_demand(name):
        try:
            return importlib.import_module(f"k_diffusion.{name}")
        except ModuleNotFoundError as error:
            raise AttributeError(name) from error

    package.__getattr__ = on_demand
    sys.modules["k_diffusion"] = package
    absent = [name for name in _HEAVY if name not in sys.modules]
    sys.modules.update({name: _placeholder(name) for name in absent})
    try:
        for name in ("utils", "sampling", "external"):
            importlib.import_module(f"k_diffusion.{name}")
    finally:
        for name in absent:
            sys.modules.pop(name, None)
