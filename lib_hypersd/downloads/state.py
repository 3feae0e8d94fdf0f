"""The state of a download."""

from dataclasses import dataclass
from typing import Literal

State = Literal["waiting", "running", "checking", "done", "failed", "cancelled"]
ACTIVE: tuple[State, ...] = ("waiting", "running", "checking")


@dataclass(frozen=True)
class Download:
    """The state of a download: sizes in bytes, `seconds_left` None as long as it is unknown.

    `name` is the variant's. `total_bytes` is the catalog's rounded size until the hub has given the true one.
    """

    id: str
    name: str
    state: State
    done_bytes: int
    total_bytes: int
    bytes_per_second: float
    seconds_left: float | None
    message: str

    @property
    def active(self) -> bool:
        return self.state in ACTIVE
