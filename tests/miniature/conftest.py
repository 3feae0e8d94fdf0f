"""Fixtures for the miniature model; the repository's root is made importable for a bare `pytest`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import pytest

from dev.miniature.checkpoint import CHECKPOINT, Miniature, load_checkpoint


@pytest.fixture(scope="session")
def shipped() -> Miniature:
    """The checkpoint in the package. Not to be changed: tests that merge a LoRA load their own."""
    return load_checkpoint(CHECKPOINT)
