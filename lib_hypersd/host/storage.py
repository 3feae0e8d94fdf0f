"""How the loaded net's weights are stored, and what the host's merge of a LoRA into them would keep."""

import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from ..lora.factors import Placed, UnfitError, delta
from ..lora.storage import ROUNDING, Rounding, merged
from ..lora.tensors import UnheldError, tensors_of
from ..models.lora_index import LoraFile
from ..models.storage import Merged, is_low_bit
from . import layers
from .options import report

_DTYPES = {
    torch.float32: "fp32",
    torch.float16: "fp16",
    torch.bfloat16: "bf16",
    torch.float8_e4m3fn: "fp8",
    torch.float8_e5m2: "fp8_e5m2",
    torch.int8: "int8",
}
_MOST_WEIGHTS = 64
"""How many weights are looked at: a checkpoint may keep some of its layers in full precision."""
_storages: WeakKeyDictionary[nn.Module, str] = WeakKeyDictionary()


def storage_of(model: Any) -> str | None:
    """How a host's `sd_model` stores its net: "nf4", "fp8", "q4_0", "fp16", …; None where that is unknown.

    Where layers differ, the coarsest that is met counts. Looked up once for each net.
    """
    net = layers.net_of(model)
    if net is None:
        return None
    if net not in _storages:
        found = dict.fromkeys(islice(_weight_storages(net), _MOST_WEIGHTS))
        if not found:  # a net that is still being filled
            return None
        _storages[net] = next(filter(is_low_bit, found), next(iter(found)))
    return _storages[net]


def _weight_storages(net: nn.Module) -> Iterator[str]:
    for module in net.modules():
        weight = getattr(module, "weight", None)
        if isinstance(weight, Tensor) and len(layers.shape_of(weight)) == 2:
            storage = _storage(weight)
            if storage:
                yield storage


def _storage(weight: Tensor) -> str | None:
    """By what bitsandbytes and the hosts' GGUF loaders put on a weight, else by its dtype."""
    kind = getattr(weight, "quant_type", None)
    if isinstance(kind, str):
        return kind
    quantised = getattr(weight, "gguf_cls", None)
    if quantised is not None:
        return str(quantised.__name__).lower()
    return "fp8" if type(weight).__name__ == "QuantizedTensor" else _DTYPES.get(weight.dtype)


def is_merged(model: Any) -> bool:
    """Whether the host merges LoRAs into this model. Forge's and Neo's "fp16 LoRA" adds them in each evaluation on a
    low-bit checkpoint; Neo does so for GGUF in any case."""
    arguments: Any = sys.modules.get("backend.args")  # in each plan: a failed import takes long
    if arguments is None:
        return True
    dynamic_args = arguments.dynamic_args
    found = dynamic_args.get("online_lora") if isinstance(dynamic_args, dict) else dynamic_args.online_lora
    return not (found and is_low_bit(storage_of(model)))


# What a merge would keep ---------------------------------------------------------------------------------------

_SAMPLED_LAYERS, _SAMPLED_ROWS = 3, 256
_measured: WeakKeyDictionary[nn.Module, dict[tuple[str, float, int], Merged | None]] = WeakKeyDictionary()


def measure(model: Any, file: LoraFile, weight: float) -> Merged | None:
    """What the host's merge of a file at a weight would keep, on a sample of layers of a low-bit net.

    None where it can't be measured. Once for each net, file and weight: the first call reads the file.
    """
    net, storage = layers.net_of(model), storage_of(model)
    if net is None or storage is None or not is_low_bit(storage):
        return None
    try:
        state = tensors_of(file.path)
        known = _measured.setdefault(net, {})
        key = (file.path, weight, id(state))
        if key not in known:
            known[key] = merged(_sample(layers.match(model, file.path, state).placed, weight), _rounding(storage))
        return known[key]
    except (UnfitError, UnheldError, OSError):
        return None
    except Exception:
        report("What a merge would keep of a LoRA can't be measured", exc_info=True)
        return None


def _rounding(storage: str) -> Rounding | None:
    """How the host rounds what it stores: to the nearest level, but fp8 by chance on Neo and reForge."""
    by_chance = _rounding_by_chance() if storage.startswith("fp8") else None
    if by_chance is None:
        return ROUNDING.get(storage)
    dtype = torch.float8_e5m2 if storage == "fp8_e5m2" else torch.float8_e4m3fn
    return lambda weight: _float(by_chance(weight, dtype, seed=0))


def _rounding_by_chance() -> Any:
    try:
        from backend.float import stochastic_rounding
    except ImportError:
        try:
            from ldm_patched.float import stochastic_rounding
        except ImportError:
            return None
    return stochastic_rounding


def _sample(placed: tuple[Placed, ...], weight: float) -> Iterator[tuple[Tensor, Tensor]]:
    """(W, ΔW) of some rows of layers from the net's beginning, middle and end."""
    linear = [one for one in placed if len(one.layer.shape) == 2]
    for number in range(min(_SAMPLED_LAYERS, len(linear))):
        one = linear[(2 * number + 1) * len(linear) // (2 * _SAMPLED_LAYERS)] if len(linear) > 3 else linear[number]
        first = one.part[0] if one.part else 0
        change = weight * delta(one)[:_SAMPLED_ROWS]
        stored = dequantised(one.layer.module.weight)  # type: ignore[arg-type]
        yield stored[first : first + change.shape[0]].to(change), change


def dequantised(weight: Tensor) -> Tensor:
    """A stored weight [out, in] as the layer computes with it, in float32, by the host's own means."""
    if getattr(weight, "gguf_cls", None) is not None:
        from backend.operations_gguf import dequantize_tensor

        return _float(dequantize_tensor(weight))
    if isinstance(getattr(weight, "quant_type", None), str):
        from backend.operations_bnb import functional_dequantize_4bit

        return _float(functional_dequantize_4bit(weight))
    return _float(weight)


def _float(weight: Tensor) -> Tensor:
    return weight.detach().float()
