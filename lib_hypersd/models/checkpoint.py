"""A checkpoint: what is known of it by the loaded model, by its file's header and by its name, in this order."""

import os
import re
from dataclasses import dataclass
from functools import lru_cache

from .catalog import Family
from .evidence import architecture_of_header, flux_input_width
from .families import (
    RELATIVES,
    Architecture,
    architecture_of_name,
    family_of,
    is_flow,
    refined_by_name,
    title_of,
)
from .file_header import Header
from .flux_variants import OWN_GUIDANCE, FluxVariant, OwnGuidance, flux_variant
from .names import read_name


@dataclass(frozen=True)
class Checkpoint:
    """What is known of a checkpoint before a plan is made.

    `name` is its file's stem; `distilled` why it is taken to be distilled already ("lightning", "8 steps"), or None;
    `baked_steps` the step count in its name ("4step"), or None; `one_step_unet` whether it is Hyper-SD's own
    1-step SDXL UNet; `foreign_unet` whose 1-step UNet it is otherwise, None for all others; `uses_shift` whether the
    host's distilled CFG field means Shift for it (Forge Neo); `storage` how its file stores the weights ("nf4",
    "q4_0"), None where its header does not say.
    """

    name: str
    architecture: Architecture
    distilled: str | None = None
    nf4: bool = False
    one_step_unet: bool = False
    baked_steps: int | None = None
    uses_shift: bool = False
    foreign_unet: str | None = None
    storage: str | None = None
    flux_variant: FluxVariant | None = None
    """What a FLUX.1 checkpoint was made for, where that is not FLUX.1-dev's purpose."""

    @property
    def family(self) -> Family | None:
        """The catalog's family that this checkpoint belongs to, or None."""
        return family_of(self.architecture)

    @property
    def flow(self) -> bool:
        """Whether it is a flow model (FLUX, SD 3, SDXL flow variants), whose noise levels run from 1 to 0."""
        return self.uses_shift or is_flow(self.architecture)

    @property
    def own_guidance(self) -> OwnGuidance | None:
        """The distilled CFG that it wants, where that is not FLUX.1-dev's."""
        return OWN_GUIDANCE.get(self.flux_variant) if self.flux_variant else None

    @property
    def is_de_distilled(self) -> bool:
        """Whether it is a FLUX.1 that takes real CFG: values of FLUX.1-dev don't hold for it."""
        return self.flux_variant == "de-distilled"

    @property
    def title(self) -> str:
        """What it is, for people: "SDXL", "SD 2", "an SDXL refiner"."""
        return title_of(self.architecture)

    @property
    def is_unknown(self) -> bool:
        """Whether nobody can say what it is until it is loaded (.ckpt, a header that can't be read)."""
        return self.architecture == "unknown"


def identify(name: str, header: Header | None, loaded: Architecture | None = None) -> Architecture:
    """What the checkpoint in a file named `name` is. `header` is None where it can't be read, `loaded` what the loaded
    model's class says; the header tells apart what hosts have one class for."""
    by_file = architecture_of_header(header) if header else architecture_of_name(name)
    if loaded is None or by_file in RELATIVES.get(loaded, ()) or (loaded == "other" and by_file != "unknown"):
        found = by_file
    else:
        found = loaded
    if found == "flux-schnell" and read_name(name).variant == "de-distilled":
        return "flux-dev"  # both lack the layer for guidance
    named = refined_by_name(found, name)
    # A header tells all of them but Playground v2, which is an SDXL to it.
    return named if header is None or named == "playground" else found


def is_flow_variant(architecture: Architecture, path: str) -> bool:
    """Whether an SDXL checkpoint is a flow variant, as Forge Neo decides it: by this word in its whole path
    (backend/loader.py), folders included."""
    return architecture == "sdxl" and "rectified" in path.lower()


@lru_cache(maxsize=4)
def listed_stems(text: str) -> frozenset[str]:
    """The stems of a list of files, in lower case: "My_Turbo, style/other.safetensors" has my_turbo and other."""
    names = (re.split(r"[/\\]", name)[-1].strip() for name in re.split(r"[,\n]", text))
    return frozenset(_EXTENSION.sub("", name).lower() for name in names if name)


_EXTENSION = re.compile(r"\.(safetensors|ckpt|gguf)$", re.IGNORECASE)


def describe(
    name: str,
    architecture: Architecture,
    header: Header | None = None,
    *,
    uses_shift: bool = False,
    never_distilled: bool = False,
) -> Checkpoint:
    """The Checkpoint of a file named `name` (stem, folders allowed) whose architecture is known.

    `header`, where there is one, adds the title in its metadata and whether its tensors are nf4; with
    `never_distilled` the person says that the checkpoint is not distilled, whatever its name says.
    """
    stem = os.path.basename(name.replace("\\", "/"))
    reading = read_name(stem)
    unet = reading.one_step_unet if architecture == "sdxl" else None
    own_unet = unet in ("hyper", "")  # a 1-step UNet of SDXL that says no other maker, as people rename it
    variant = _flux_variant(architecture, reading.variant, header)
    nf4 = reading.quantisation == "nf4" or (header is not None and "bitsandbytes__nf4" in "\n".join(header.shapes))
    distilled = reading.distilled or read_name(header.title if header else "").distilled
    if architecture == "flux-schnell":
        distilled = "schnell"
    elif never_distilled or own_unet or (variant == "de-distilled" and distilled == "schnell"):
        distilled = None
    return Checkpoint(
        stem,
        architecture,
        distilled,
        nf4=nf4 and architecture == "flux-dev",
        one_step_unet=own_unet,
        baked_steps=reading.steps,
        uses_shift=uses_shift,
        foreign_unet=None if own_unet or never_distilled else unet,
        storage="nf4" if nf4 and architecture == "flux-dev" else header.storage if header else None,
        flux_variant=variant,
    )


def _flux_variant(architecture: Architecture, named: str | None, header: Header | None) -> FluxVariant | None:
    if architecture not in ("flux-dev", "flux-schnell"):
        return None
    return flux_variant(named, flux_input_width(header.shapes) if header else None)
