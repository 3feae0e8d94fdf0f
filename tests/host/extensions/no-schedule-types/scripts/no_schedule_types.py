"""Makes the host look to the extension under test as A1111 before 1.9 does: no module of schedule types."""

import json
import sys
from pathlib import Path

import modules

project = json.loads((Path(__file__).parents[1] / "project.json").read_text())
hidden = sys.modules.pop("modules.sd_schedulers")
del modules.sd_schedulers
sys.modules["modules.sd_schedulers"] = None
sys.path.insert(0, project)
try:
    import lib_hypersd.host  # noqa: F401
finally:
    sys.path.remove(project)
    sys.modules["modules.sd_schedulers"] = modules.sd_schedulers = hidden
