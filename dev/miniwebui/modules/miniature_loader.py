"""Imports the project's miniature model without leaving the project's root on sys.path.

The real hosts don't have an extension's root on the path after its scripts are loaded; an extension that
counts on it must fail here too.
"""

import os
import sys

from modules.paths_internal import script_path

_root = os.path.dirname(os.path.dirname(script_path))
sys.path.insert(0, _root)
try:
    from dev.miniature.checkpoint import Miniature, load_checkpoint, random_checkpoint
finally:
    sys.path.remove(_root)

__all__ = ["Miniature", "load_checkpoint", "random_checkpoint"]
