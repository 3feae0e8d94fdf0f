"""What the header of a model file says, whatever its format; and what a damaged file is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from .lora_modules import flaw, module_names

MAX_HEADER_BYTES = 4 * 1024 * 1024
"""A larger header is refused. Tensors take 0.1 to 0.4 MB in published files; training tags may take some MB."""
MAX_TEXT = 2000
"""Characters of a metadata value that is kept: a title, no training tags."""
TOO_LARGE = "has a header larger than any Hyper-SD file's"
TRUNCATED = "is truncated"
TOO_LONG = "is longer than its header says"
"""What is wrong with a file, to be put after its name."""


class DamagedFileError(ValueError):
    """The file is no whole model file; the message says what is wrong, to be put after the file's name."""


@dataclass(frozen=True)
class Header:
    """Tensor names with their shapes (as torch has them), the metadata's short texts, and the storage of a GGUF file's
    weights ("q4_0"; None where it is unknown, and for other formats)."""

    shapes: Mapping[str, tuple[int, ...]]
    metadata: Mapping[str, str] = field(default_factory=dict)
    storage: str | None = None

    @property
    def title(self) -> str:
        """What its maker called the model: `modelspec.title`, or GGUF's `general.name`; "" if nothing."""
        return self.metadata.get("modelspec.title", "") or self.metadata.get("general.name", "")

    @cached_property
    def lora_modules(self) -> tuple[str, ...]:
        """The modules of the net that the file changes, if it is a LoRA."""
        return module_names(self.shapes)

    @cached_property
    def lora_flaw(self) -> str | None:
        """What makes the file unusable as a LoRA, to be put after its name, or None."""
        return flaw(self.shapes)
