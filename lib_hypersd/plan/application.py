"""What is to reach the model of a pass, and how: merged by the host, or as a bypass beside the layers."""

from dataclasses import dataclass
from typing import Literal

from ..models.lora_index import LoraFile
from ..models.storage import is_low_bit
from ..request.weight_schedule import WeightSchedule

Way = Literal["host", "bypass"]


@dataclass(frozen=True)
class Application:
    """What is to reach the model of a pass, and how.

    `setting` is the key `apply`; `schedule` the weights of the pass where they change from step to step, else the tag
    in its prompt says the weight. `varies`: the hosts can't bring these weights about. `host_drops`: a tag for a LoRA
    that is not there makes the host drop all of the prompt. `foreign`: the tag is in another extension's words, which
    is here and reads it.
    """

    file: LoraFile
    setting: str
    schedule: WeightSchedule | None = None
    varies: bool = False
    host_drops: bool = False
    foreign: bool = False

    @property
    def may_bypass(self) -> bool:
        """Whether the bypass brings what the host has not taken."""
        return self.setting != "host"

    def way(self, storage: str | None) -> Way:
        """Who applies it to a model whose weights are stored so (None: unknown)."""
        if self.setting != "auto":
            return "bypass" if self.setting == "bypass" else "host"
        if self.foreign:
            return "host"
        return "bypass" if self.varies or self.host_drops or is_low_bit(storage) else "host"
