"""How the hosts treat a LoRA: names, patches, merging and the storages of a net's weights, as one table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

STORAGES = ("fp8", "nf4", "q8_0", "q4_0")
"""Low-bit storages of a net's weights, as `--storage` spells them."""


@dataclass(frozen=True)
class LoraHabits:
    """One host's. Code asks for a field, never for the host's name."""

    patches: Literal["modules", "by_file", "by_weight"]
    """Where the wanted LoRAs are kept: in `networks.loaded_networks`, whose modules the layers ask for when they run;
    in the patcher's `lora_patches`, by file; in its `patches`, by weight."""
    names: frozenset[str] = frozenset()
    """Spellings in the host's map of LoRA names besides kohya's and diffusers': "plain" (the model's own), "lycoris",
    "sd3" and "flux" (PEFT's), "flux_bare" (FLUX without a prefix)."""
    spellings: frozenset[str] = frozenset()
    """Spellings of a pair's tensors besides kohya's, see `lora_patches.SPELLINGS`."""
    adapters: bool = False
    """A patch is an object with `name`, `weights` and `loaded_keys`; else a tuple ("lora", (up, down, alpha, …))."""
    dora: bool = True
    """A patch has a place for DoRA's scale."""
    returns_unmatched: bool = True
    """`load_lora` also returns the tensors for which the model has no weight."""
    unmatched: Literal["dozen", "half", "any"] = "any"
    """How many unmatched tensors make the host drop a file: more than 12, more than half, never."""
    patch_fields: int = 5
    """Fields of an entry in `patches`: strength, patch, model's strength, and then slice, function, online."""
    online_targets: bool = False
    """The remembered set of LoRAs also says whether they are applied in each run, instead of merged."""
    online_in_any_storage: bool = False
    """Such a set may be applied in each run on float weights, too."""
    names_accumulate: bool = True
    """The host's map of names keeps those of models that were loaded before."""
    preserves_memory: bool = False
    """The patcher can be asked to keep memory free while sampling."""
    misfit_fails: bool = False
    """A LoRA whose shapes don't fit ends the generation; else a line in the console, and the weight stays."""
    linear: Literal["torch", "module", "subclass"] = "torch"
    """The net's Linear layers: torch's, a class of the host's own that is no nn.Linear, or a subclass of it."""
    storages: frozenset[str] = frozenset()
    """The low-bit storages that this host has."""
    stochastic_fp8: bool = False
    """Merged fp8 weights are rounded up or down by chance, in proportion; else to the nearest."""
    gguf_always_online: bool = False
    """GGUF weights are never merged into."""


A1111 = LoraHabits(patches="modules", storages=frozenset({"fp8"}))

_PEFT = frozenset({"diffusers", "peft", "linear_layer"})

FORGE = LoraHabits(
    patches="by_file",
    names=frozenset({"plain", "lycoris", "flux"}),
    spellings=_PEFT | {"dotted"},
    unmatched="dozen",
    online_targets=True,
    preserves_memory=True,
    misfit_fails=True,
    linear="module",
    storages=frozenset(STORAGES),
)

NEO = replace(
    FORGE,
    patches="by_weight",
    names=FORGE.names | {"flux_bare"},
    spellings=FORGE.spellings | {"bare", "peft_default"},
    adapters=True,
    unmatched="half",
    patch_fields=6,
    online_in_any_storage=True,
    misfit_fails=False,
    linear="subclass",
    stochastic_fp8=True,
    gguf_always_online=True,
)

REFORGE = LoraHabits(
    patches="by_weight",
    names=frozenset({"plain", "lycoris", "flux", "sd3"}),
    spellings=FORGE.spellings | {"bare"},
    adapters=True,
    returns_unmatched=False,
    names_accumulate=False,
    linear="subclass",
    storages=frozenset({"fp8"}),
    stochastic_fp8=True,
)

CLASSIC = LoraHabits(
    patches="by_weight",
    spellings=frozenset({"diffusers", "linear_layer"}),
    dora=False,
    unmatched="dozen",
    patch_fields=3,
    linear="subclass",
)
