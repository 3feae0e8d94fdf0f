"""What reaches a layer of FLUX's width: the hosts' merge against the bypass, by storage.

One linear layer, 3072 × 3072, and a LoRA of rank 64 whose ΔW is 1, 2 or 5 % of W. The reference is the exact sum over
the weights as they are stored, in float64. An error is measured in the LoRA's own output: 1 is as if there were none.

A merge reads the stored weights, adds ΔW in float32 and stores the sum again, as Forge, Neo and reForge do. Times are
ratios in runs of the layer, medians of pairs measured one after the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from lib_hypersd.lora.bypass import Bypass
from lib_hypersd.lora.factors import Factors, Layer, Placed, delta
from lib_hypersd.lora.storage import ROUNDING, merged

from .arms import write_json

WIDTH, RANK = 3072, 64
SIZES = (0.01, 0.02, 0.05)
STORAGES = ("bf16", "fp8", "nf4", "q4_0", "q8_0")
COMPUTED_IN = (torch.float32, torch.bfloat16, torch.float16)
TOKENS = {"cpu": 1024, "cuda": 4096}
ERROR_TOKENS = 256
PAIRS = 15


class StoredLinear(nn.Module):
    """A layer whose weight [out, in] is given as it is read from its storage."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight, requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight)


class CodedLinear(nn.Module):
    """A layer on nf4: it reads its levels from the codebook in each run, as a low-bit layer does."""

    def __init__(self, weight: Tensor, dtype: torch.dtype) -> None:
        super().__init__()
        blocks = weight.float().view(-1, 64)
        top = blocks.abs().amax(1, keepdim=True)
        levels, codes = torch.unique((blocks / top).round(decimals=5), return_inverse=True)
        self.shape, self.levels, self.top = weight.shape, levels.to(dtype), top.to(dtype)
        self.codes = codes.to(torch.int32)

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, (self.levels[self.codes] * self.top).view(self.shape))


@dataclass(frozen=True)
class Row:
    """A storage and a size of ΔW: what a merge keeps, and the errors of both ways in float32 computation."""

    storage: str
    size: float
    kept: float
    merge_error: float
    bypass_error: float


def run(device: str, json_file: str | None) -> None:
    torch.manual_seed(0)
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    print(f"On {name}, {torch.get_num_threads()} threads, torch {torch.__version__}\n")
    rows = [_row(storage, size, device) for storage in STORAGES for size in SIZES]
    print("storage   ΔW/W   kept by a merge   error: merge    bypass")
    for row in rows:
        numbers = f"{row.size:4.0%}{row.kept:14.3f}{row.merge_error:17.3f}{row.bypass_error:13.6f}"
        print(f"{row.storage:8}{numbers}")
    figures = {
        "bypass_output_error_max": max(row.bypass_error for row in rows),
        "merge_kept_nf4_2pct": next(r.kept for r in rows if (r.storage, r.size) == ("nf4", 0.02)),
        **_rounding(device),
        **_times(device),
    }
    print()
    for key, value in figures.items():
        print(f"{key:36}{value:.4f}")
    write_json(json_file, {"device": name, **{key: round(value, 6) for key, value in figures.items()}})


def _lora(weight: Tensor, size: float) -> Factors:
    """Random factors whose product is `size` times as large as the weight."""
    up, down = torch.randn(WIDTH, RANK), torch.randn(RANK, WIDTH)
    factor = size * float(weight.norm()) / float((up @ down).norm())
    return Factors.of((up * factor).to(weight), down.to(weight), None)


def _stored(storage: str, device: str) -> Tensor:
    """Weights as they are read from a storage, in float32."""
    return ROUNDING[storage](torch.randn(WIDTH, WIDTH, device=device) * 0.02)


def _row(storage: str, size: float, device: str) -> Row:
    weight = _stored(storage, device)
    factors, x = _lora(weight, size), torch.randn(ERROR_TOKENS, WIDTH, device=device)
    layer = StoredLinear(weight)
    placed = Placed(Layer("layer", layer, tuple(weight.shape)), factors)
    change = delta(placed)
    exact = x.double() @ (weight.double() + change.double()).T
    own = float((x.double() @ change.double().T).norm())
    with torch.inference_mode(), Bypass([placed]).attached():
        beside = layer(x)
    after = linear(x, ROUNDING[storage](weight + change))
    found = merged([(weight, change)], ROUNDING[storage])
    kept = found.kept if found else float("nan")
    return Row(storage, size, kept, _error(after, exact, own), _error(beside, exact, own))


def _error(output: Tensor, exact: Tensor, own: float) -> float:
    return float((output.double() - exact).norm()) / own


def _rounding(device: str) -> dict[str, float]:
    """The bypass's error over that of the exact sum rounded once, where the layer computes in half precision."""
    worst = 0.0
    for dtype in COMPUTED_IN[1:]:
        for size in SIZES:
            weight = _stored("bf16", device).to(dtype)
            factors, x = _lora(weight.float(), size), torch.randn(ERROR_TOKENS, WIDTH, device=device).to(dtype)
            layer = StoredLinear(weight)
            placed = Placed(Layer("layer", layer, tuple(weight.shape)), factors)
            exact = x.double() @ (weight.double() + delta(placed).double()).T
            with torch.inference_mode(), Bypass([placed]).attached():
                beside = layer(x)
            worst = max(worst, _error(beside, exact, 1.0) / _error(exact.to(dtype), exact, 1.0))
    return {"bypass_rounding_ratio": worst}


def _times(device: str) -> dict[str, float]:
    """Runs with and without the bypass, and what a switch to another file costs each way, in runs of the layer."""
    figures: dict[str, float] = {}
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    x = torch.randn(TOKENS[device], WIDTH, device=device, dtype=dtype)
    for storage in ("bf16", "nf4"):
        figures.update(_times_on(storage, x, device))
    figures["bypass_run_ratio"] = max(figures["bypass_run_ratio_bf16"], figures["bypass_run_ratio_nf4"])
    figures["switch_runs"] = max(figures["switch_runs_bf16"], figures["switch_runs_nf4"])
    return figures


def _times_on(storage: str, x: Tensor, device: str) -> dict[str, float]:
    weight = _stored(storage, device)
    layer = StoredLinear(weight.to(x.dtype)) if storage == "bf16" else CodedLinear(weight, x.dtype)
    placed = [Placed(Layer("layer", layer, (WIDTH, WIDTH)), _lora(weight, 0.02))]
    change = delta(placed[0])
    ratio = _paired(lambda: layer(x), Bypass(placed), device)
    plain = _seconds(lambda: layer(x), device)
    first = _seconds(lambda: _first_run(layer, placed, x), device) / plain
    merge = _seconds(lambda: ROUNDING[storage](weight + change), device) / plain
    return {
        f"bypass_run_ratio_{storage}": ratio,
        f"switch_runs_{storage}": max(0.0, first - ratio),
        f"merge_runs_{storage}": merge,
    }


def _first_run(layer: nn.Module, placed: list[Placed], x: Tensor) -> None:
    """A run with a file that was not there before: its branches are made, and taken to the device and dtype."""
    with Bypass(placed).attached():
        layer(x)


@torch.inference_mode()
def _paired(layer: Callable[[], Tensor], bypass: Bypass, device: str) -> float:
    """The median of a run with the bypass over one without, of pairs in turn."""
    ratios = []
    with bypass.attached():
        for _ in range(PAIRS + 2):
            bypass.weight = 1.0
            beside = _once(layer, device)
            bypass.weight = 0.0
            ratios.append(beside / _once(layer, device))
    return median(ratios[2:])


@torch.inference_mode()
def _seconds(action: Callable[[], object], device: str) -> float:
    return median(_once(action, device) for _ in range(PAIRS))


def _once(action: Callable[[], object], device: str) -> float:
    _wait(device)
    start = time.perf_counter()
    action()
    _wait(device)
    return time.perf_counter() - start


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
