"""How a checkpoint's weights are stored, and what a merge of a LoRA into them keeps."""

from dataclasses import dataclass

EXACT_ENOUGH = ("fp32", "fp16", "bf16")
"""Storages into which the hosts merge with no loss that matters."""


def is_low_bit(storage: str | None) -> bool:
    """Whether a merge would be rounded to levels so coarse that it loses a small LoRA; False where it is unknown."""
    return storage is not None and storage not in EXACT_ENOUGH


def title(storage: str) -> str:
    """A storage for people: "nf4", "fp8", "GGUF Q4_0"."""
    return f"GGUF {storage.upper()}" if storage.startswith("q") else storage


_TOLERABLE_ERROR = 0.5


@dataclass(frozen=True)
class Merged:
    """What a merge would do. `size` is ‖ΔW‖ over ‖W‖. `kept` is the share of ΔW that is read back after the merge: the
    projection of the change that the storage holds onto the one that was meant, 1 for all of it. `error` is how far
    the two are apart, in sizes of ΔW: 1 is as if there were no LoRA, and more where rounding adds noise of its own."""

    size: float
    kept: float
    error: float

    @property
    def loses_it(self) -> bool:
        """Whether the picture will show it."""
        return self.error > _TOLERABLE_ERROR

    @property
    def percent(self) -> str:
        """The share that is kept, for people: "3 %"."""
        return f"{max(0.0, 100 * self.kept):.0f} %"
