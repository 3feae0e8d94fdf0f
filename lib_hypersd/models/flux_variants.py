"""Checkpoints on FLUX.1-dev's network that want other values than it: by the width of their input, or by name."""

from typing import Literal, NamedTuple, cast

FluxVariant = Literal["fill", "depth", "canny", "control", "redux", "kontext", "krea", "de-distilled"]
"""What a checkpoint was made of FLUX.1-dev for. "control" is Depth or Canny, which one network serves."""


class OwnGuidance(NamedTuple):
    """A variant's title for people, and the distilled CFG that it was published with, one for each that it may be."""

    title: str
    distilled_cfg: tuple[float, ...]
    source: str

    @property
    def wanted(self) -> str:
        """The values for people: "30", "10 or 30"."""
        return " or ".join(format(value, "g") for value in self.distilled_cfg)


_BFL = "huggingface.co/black-forest-labs"
OWN_GUIDANCE: dict[FluxVariant, OwnGuidance] = {
    "fill": OwnGuidance("FLUX.1 Fill", (30.0,), f"{_BFL}/FLUX.1-Fill-dev"),
    "depth": OwnGuidance("FLUX.1 Depth", (10.0,), f"{_BFL}/FLUX.1-Depth-dev"),
    "canny": OwnGuidance("FLUX.1 Canny", (30.0,), f"{_BFL}/FLUX.1-Canny-dev"),
    "control": OwnGuidance("FLUX.1 Depth or Canny", (10.0, 30.0), f"{_BFL}/FLUX.1-Depth-dev, FLUX.1-Canny-dev"),
    "redux": OwnGuidance("FLUX.1 Redux", (2.5,), f"{_BFL}/FLUX.1-Redux-dev"),
}
"""The variants whose distilled CFG is not FLUX.1-dev's; Kontext and Krea take that of FLUX.1-dev."""

_INPUT_WIDTH = 64
_BY_WIDTH: dict[int, FluxVariant] = {384: "fill", 128: "control"}
"""`img_in`'s input: 16 channels of 2×2 latents, and a mask and a picture (Fill) or a picture (Depth, Canny) beside them
(github.com/black-forest-labs/flux, src/flux/util.py). Other widths are those of packed weights, and say nothing."""
_BY_NAME_ALONE = ("redux", "kontext", "krea", "de-distilled")
_NAMED = ("fill", "depth", "canny", *_BY_NAME_ALONE)


def flux_variant(named: str | None, input_width: int | None) -> FluxVariant | None:
    """Which variant a FLUX.1 checkpoint is. `named` is what its name says, `input_width` that of `img_in`, which wins;
    None where it can't be read."""
    by_width = _BY_WIDTH.get(input_width or 0)
    if by_width is not None:
        return cast("FluxVariant", named) if by_width == "control" and named in ("depth", "canny") else by_width
    known = _BY_NAME_ALONE if input_width == _INPUT_WIDTH else _NAMED
    return cast("FluxVariant", named) if named in known else None
