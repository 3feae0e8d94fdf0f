"""What a host does to LoRAs, looked at from inside: `python lora_facts.py PROFILE [STORAGE …]` prints it as JSON.

In a process of its own, for a process can play one host only. It looks through the host's own structures and modules,
as an extension does. Facts are by storage, "" for float32.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from codecs_float64 import CODECS

PROJECT = Path(__file__).resolve().parents[2]
PROFILE, STORAGES = sys.argv[1], ("", *sys.argv[2:])
FILES = {
    "miniature-sd15": ("Hyper-SD15-4steps-lora", 1.0),
    "miniature-sdxl": ("Hyper-SDXL-8steps-lora", 0.75),
    "miniature-sd3": ("Hyper-SD3-8steps-CFG-lora", 0.125),
    "miniature-flux-dev": ("Hyper-FLUX.1-dev-8steps-lora", 0.125),
}


def prepare() -> None:
    """Everything that miniwebui does before it serves."""
    sys.path.insert(0, str(PROJECT / "dev" / "miniwebui"))
    sys.argv = ["launch.py", "--profile", PROFILE, "--nowebui", "--skip-load-model-at-start"]
    import launch

    launch.prepare()
    from modules import initialize, script_callbacks

    initialize.imports()
    initialize.initialize()
    script_callbacks.before_ui_callback()


def storage() -> str:
    from modules import shared

    return shared.cmd_opts.storage


def load(checkpoint: str) -> Any:
    from modules import sd_models

    return sd_models.load_model(sd_models.get_closet_checkpoint_match(checkpoint))


def activate(*mentions: tuple[str, float]) -> str:
    """Activate LoRAs as a prompt's tags do; what the console says."""
    from modules import extra_networks, processing

    tags = [extra_networks.ExtraNetworkParams(items=[name, str(weight)]) for name, weight in mentions]
    p = processing.StableDiffusionProcessingTxt2Img(prompt="")
    p.setup_prompts()
    p.scripts = None
    with contextlib.redirect_stdout(io.StringIO()) as console, contextlib.redirect_stderr(console):
        extra_networks.activate(p, {"lora": tags})
    return console.getvalue()


def run_net(model: Any) -> torch.Tensor:
    """Begin to sample, and evaluate the net once."""
    model.prepare_sampling()
    x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    context = torch.randn(1, 8, 768, generator=torch.Generator().manual_seed(2))
    return model.apply_model(x, torch.tensor([0.5 if "Flux" in type(model).__name__ else 500.0]), context)


def dense(parameter: torch.Tensor) -> np.ndarray:
    from modules import weight_storage

    return weight_storage.dense(parameter).double().numpy()


def weights_of(model: Any) -> dict[str, np.ndarray]:
    return {name: dense(p) for name, p in model.model.named_parameters() if p.dim() > 1 and name.endswith(".weight")}


def file_of(name: str) -> dict[str, torch.Tensor]:
    networks = sys.modules["networks"]
    from safetensors.torch import load_file

    return load_file(networks.available_networks[name].filename)


def host_lora() -> Any:
    for name in ("backend.patcher.lora", "ldm_patched.modules.lora"):
        with contextlib.suppress(ImportError):
            return importlib.import_module(name)
    return None


def names_and_patches(model: Any, state: dict[str, torch.Tensor]) -> tuple[dict[Any, Any], Any, Any]:
    """(the host's map, its patches of a file, what is left of the file or None)"""
    found = host_lora().model_lora_keys_unet(model.forge_objects.unet.model, {})
    answer = host_lora().load_lora(state, found)
    return (found, *answer) if isinstance(answer, tuple) else (found, answer, None)


def wanted_changes(model: Any, name: str, weight: float) -> dict[str, np.ndarray]:
    """{key: the change in float64}, from the file's tensors and the host's map of names."""
    state = file_of(name)
    changes: dict[str, np.ndarray] = {}
    for target, patch in names_and_patches(model, state)[1].items():
        up, down, alpha = (patch.weights if hasattr(patch, "weights") else patch[1])[:3]
        change = up.double().flatten(1) @ down.double().flatten(1) * (1 if alpha is None else alpha / down.shape[0])
        key, part = (target, None) if isinstance(target, str) else target[:2]
        stored = model.model.get_submodule(key.rpartition(".")[0]).weight
        into = changes.setdefault(key, np.zeros(dense(stored).shape))
        rows = slice(None) if part is None else slice(part[1], part[1] + part[2])
        into[rows] += weight * change.view(into[rows].shape).numpy()
    return changes


def differing(actual: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> float:
    """The share of values that are not, but for float32's rounding, what they should be."""
    wrong = [np.abs(actual[k] - v) > 1e-6 + 1e-4 * np.abs(v) for k, v in expected.items()]
    return float(np.concatenate([x.ravel() for x in wrong]).mean()) if wrong else 0.0


def products(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> float:
    return sum(float((a[key] * b[key]).sum()) for key in a.keys() & b.keys())


def merging(checkpoint: str) -> dict[str, float]:
    """How the merged weights differ from a plain sum, rounded by another codec, and what is left of the change."""
    name, weight = FILES[checkpoint]
    model = load(checkpoint)
    run_net(model)
    before, changes = weights_of(model), wanted_changes(model, name, weight)
    plain = run_net(model)
    activate((name, weight))
    output = run_net(model)
    merged, parameters = weights_of(model), dict(model.model.named_parameters())
    expected = {}
    for key, change in changes.items():
        dense_here = parameters[key].dtype == torch.float32
        expected[key] = (CODECS[""] if dense_here else CODECS[storage()])(before[key] + change)
    moved = {key: merged[key] - before[key] for key in before}
    activate()
    restored = run_net(model)
    same = all(np.array_equal(before[k], v) for k, v in weights_of(model).items()) and torch.equal(restored, plain)
    asked = products(changes, changes) or 1.0
    return {
        "layers": len(changes),
        "wrong": differing(merged, expected),
        "kept": products(moved, changes) / asked,
        "length": (asked / (products({k: before[k] for k in changes}, before) or 1.0)) ** 0.5,
        "others": sum(bool(v.any()) for k, v in moved.items() if k not in changes),
        "output": float((output - plain).norm() / plain.norm()),
        "restored": same,
    }


def has_patches(unet: Any) -> bool:
    return bool(unet.lora_patches if hasattr(unet, "lora_patches") else unet.patches)


def structures(checkpoint: str) -> dict[str, Any]:
    """The patcher's structures with one LoRA active."""
    name, weight = FILES[checkpoint]
    model = load(checkpoint)
    console = activate((name, weight))
    unet = model.forge_objects.unet
    patches = getattr(unet, "lora_patches", None)
    by_weight = getattr(unet, "patches", None) if patches is None else next(iter(patches.values()), {})
    entry = next(iter(by_weight.values()))[0] if by_weight else ()
    found, read, left = names_and_patches(model, file_of(name))
    net = unet.model
    return {
        "console": console,
        "hash": model.current_lora_hash,
        "by_file": None if patches is None else [list(k) for k in patches],
        "weights": sorted(by_weight),
        "entries": sum(map(len, by_weight.values())),
        "entry": [type(x).__name__ for x in entry],
        "entry_values": [x for x in entry if isinstance(x, int | float | type(None))],
        "slices": sorted({str(e[3][1:]) for v in by_weight.values() for e in v if len(e) > 3 and e[3]}),
        "matched": len(read),
        "left": None if left is None else len(left),
        "tensors": len(file_of(name)),
        "spellings": len(found),
        "patch": [x.name if hasattr(x, "name") else x[0] for x in read.values()][:1],
        "patch_fields": [len(x.weights if hasattr(x, "weights") else x[1]) for x in read.values()][:1],
        "keys": [k for k, _ in net.named_parameters()][:3],
        "storage": str(net.storage_dtype),
        "original": has_patches(model.forge_objects_original.unet),
        "after": model.forge_objects_after_applying_lora.unet is unet,
        "layers": all(hasattr(net.get_submodule(k.rpartition(".")[0]), "weight") for k in by_weight),
    }


def layers(checkpoint: str) -> dict[str, Any]:
    """What a stored weight looks like to somebody who looks at the model."""
    model = load(checkpoint)
    found = []
    for name, module in model.model.named_modules():
        weight = getattr(module, "weight", None)
        if isinstance(weight, torch.nn.Parameter) and weight.dim() > 0 and ("qkv" in name or "linear1" in name):
            state = getattr(weight, "quant_state", None)
            found.append(
                {
                    "layer": [x.__name__ for x in type(module).__mro__][:3],
                    "torch_linear": isinstance(module, torch.nn.Linear),
                    "dtype": str(weight.dtype),
                    "shape": list(weight.shape),
                    "gguf": getattr(getattr(weight, "gguf_cls", None), "__name__", None),
                    "real_shape": list(getattr(weight, "real_shape", ())),
                    "bnb": getattr(weight, "bnb_quantized", None),
                    "quant_type": getattr(weight, "quant_type", None),
                    "state_shape": list(state.shape) if state is not None else None,
                    "dense": list(dense(weight).shape),
                }
            )
    return {"storage": str(model.model.storage_dtype), "layers": found}


def modules(checkpoint: str) -> dict[str, Any]:
    """A1111's modules of a LoRA."""
    name, weight = FILES[checkpoint]
    activate()  # a network that stays loaded keeps the layers of the model before
    model = load(checkpoint)
    networks = sys.modules["networks"]
    plain = run_net(model)
    activate((name, weight))
    net = networks.loaded_networks[0]
    first = next(iter(net.modules.values()))
    changed = not torch.equal(run_net(model), plain)
    merged = sorted(k for k, m in model.network_layer_mapping.items() if getattr(m, "network_current_names", ()))
    errors = dict(networks.extra_network_lora.errors)
    activate()
    return {
        "keys": sorted(net.modules),
        "first": [first.sd_key, first.network_key, type(first.sd_module).__name__],
        "shapes": [list(first.up_model.weight.shape), list(first.down_model.weight.shape), first.dim, first.alpha],
        "none": [first.mid_model is None, first.dora_scale is None],
        "mapped": first.sd_module in model.network_layer_mapping.values(),
        "multipliers": [net.te_multiplier, net.unet_multiplier, net.dyn_dim],
        "changed": changed,
        "restored": torch.equal(run_net(model), plain),
        "merged": merged,
        "errors": errors,
    }


def online(checkpoint: str) -> dict[str, Any]:
    """The host's option to apply LoRAs in each run instead of merging them."""
    name, weight = FILES[checkpoint]
    options = importlib.import_module("backend.args").dynamic_args
    put = options.__setitem__ if isinstance(options, dict) else lambda key, value: setattr(options, key, value)
    model = load(checkpoint)
    plain, before = run_net(model), weights_of(model)
    put("online_lora", True)
    activate((name, weight))
    output = run_net(model)
    put("online_lora", False)
    same = all(np.array_equal(before[k], v) for k, v in weights_of(model).items())
    found = {"told": model.current_lora_hash.endswith("True]]"), "has": model.forge_objects.unet.has_online_lora()}
    activate()
    return {
        **found,
        "weights_stay": same,
        "output": float((output - plain).norm() / plain.norm()),
        "restored": torch.equal(run_net(model), plain),
    }


def room(checkpoint: str) -> dict[str, Any]:
    """What is asked of the host's memory manager for a run."""
    from modules.stats import STATS

    model = load(checkpoint)
    original = model.forge_objects.unet
    clone = original.clone()
    clone.add_extra_preserved_memory_during_sampling(1000)
    model.forge_objects.unet = clone.clone()
    run_net(model)
    asked = STATS.preserved_memory
    model.forge_objects.unet = original
    run_net(model)
    return {"asked": asked, "later": STATS.preserved_memory}


def missing() -> dict[str, Any]:
    """A LoRA that isn't there, beside one that is."""
    name, _ = FILES["miniature-sd15"]
    model = load("miniature-sd15")
    console = activate((name, 1.0), ("not there", 1.0))
    networks = sys.modules["networks"]
    unet = model.forge_objects.unet if hasattr(model, "forge_objects") else None
    patches = None if unet is None else len(getattr(unet, "lora_patches", getattr(unet, "patches", {})))
    return {"console": console, "loaded": [x.name for x in networks.loaded_networks], "patches": patches}


def facts_of(host: Any) -> dict[str, Any]:
    here = [c for c, family in zip(FILES, ("sd15", "sdxl", "sd3", "flux-dev"), strict=True) if family in host.families]
    facts: dict[str, Any] = {"missing": missing(), "layers": {c: layers(c) for c in here}}
    if host.loras.patches == "modules":
        facts["modules"] = {c: modules(c) for c in here}
    else:
        facts["structures"] = {c: structures(c) for c in here}
        facts["merging"] = {c: merging(c) for c in here}
    if host.loras.online_targets:
        facts["online"], facts["room"] = online("miniature-sdxl"), room("miniature-sdxl")
    return facts


def main() -> None:
    facts = {}
    with contextlib.redirect_stdout(sys.stderr):
        prepare()
        from modules import shared
        from modules.profiles import PROFILE as HOST

        for wanted in STORAGES:
            shared.cmd_opts.storage = wanted
            facts[wanted] = facts_of(HOST)
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
