"""Rounding to fp8 by chance."""

from modules.weight_storage import stochastic_rounding

__all__ = ["stochastic_rounding"]
