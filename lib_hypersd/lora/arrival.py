"""Whether a LoRA is in the model: what is there, and the sentence where it is not."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Arrival:
    """What the host has of a file in the model of a pass: `modules` of the file's `of` modules, at `weight`."""

    modules: int
    of: int
    weight: float | None = None

    @property
    def arrived(self) -> bool:
        """Whether the whole file is there."""
        return self.of > 0 and self.modules >= self.of

    def notice(self, name: str) -> str:
        """Why the picture is not what its settings say, for a file of which the model lacks something."""
        took = f"(the WebUI took {self.modules} of its {self.of} modules)"
        if self.modules:
            return f"{name} did not reach the model as a whole {took}: this picture was drawn with that part of it."
        return f"{name} did not reach the model {took}: this picture was drawn without it."
