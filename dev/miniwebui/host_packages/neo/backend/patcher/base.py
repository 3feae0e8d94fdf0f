"""The patchers' base class."""

from modules.model_patcher import ModelPatcher

__all__ = ["ModelPatcher"]
