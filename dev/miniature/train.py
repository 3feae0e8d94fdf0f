"""Makes the weights: `python -m dev.miniature.train all`. Run it again to go on after a kill.

Parts: autoencoder, base (text model and UNet), loras (for 8, 4 and 2 steps), unified (the LoRA for 1 to 8), or all in
turn; `export` copies the result into the package. Each part's output is written to FOLDER/weights as it is finished.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from dev.miniature import lora
from dev.miniature.checkpoint import (
    CHECKPOINT,
    LORAS,
    WEIGHTS,
    Miniature,
    freeze,
    load_checkpoint,
    new_model,
    save_checkpoint,
    save_lora,
)
from dev.miniature.distill import RANK, Distillation, Stage, merged
from dev.miniature.loop import Recipe, Run
from dev.miniature.pretrain import AutoencoderTask, BaseTask, measure_latents
from dev.miniature.unified import NAME, Plan, Unified

SEED = 1
AUTOENCODER = Recipe(4000, peak=2e-3, decay=0.99, weight_decay=1e-4, beta2=0.999, clip=0.5, seed=SEED)
BASE = Recipe(3600, peak=2e-3, decay=0.996, weight_decay=1e-3, seed=SEED)
STAGES = (
    Stage(8, teacher_steps=2, recipe=Recipe(1000, peak=1e-3, seed=SEED), cfg=4.0),
    Stage(4, teacher_steps=2, recipe=Recipe(700, peak=1e-3, seed=SEED)),
    Stage(2, teacher_steps=2, recipe=Recipe(200, peak=1e-3, seed=SEED)),
)
UNIFIED = Plan(Recipe(2200, peak=1e-3, seed=SEED))


def fresh_model() -> Miniature:
    """The nets as training starts from, always the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return new_model()


def make_autoencoder(model: Miniature, folder: Path, recipe: Recipe = AUTOENCODER) -> None:
    """Train the model's autoencoder, or take it from a run that is finished."""
    task = AutoencoderTask(model.autoencoder)
    average = Run("autoencoder", task.parameters, recipe, folder).train(task.loss)
    model.autoencoder.load_state_dict(average, strict=False)
    measure_latents(model.autoencoder, np.random.default_rng(SEED))


def make_base(folder: Path, autoencoder: Recipe = AUTOENCODER, recipe: Recipe = BASE) -> Path:
    """Train the autoencoder, then text model and UNet on its latents; returns the checkpoint's path."""
    model = fresh_model()
    make_autoencoder(model, folder, autoencoder)
    model.autoencoder.requires_grad_(False)
    task = BaseTask(model)
    average = Run("base", task.parameters, recipe, folder).train(task.loss)
    for name in ("unet", "text"):
        part = {k.removeprefix(f"{name}."): v for k, v in average.items() if k.startswith(f"{name}.")}
        model.nets()[name].load_state_dict(part)
    path = folder / "weights" / CHECKPOINT.relative_to(WEIGHTS)
    save_checkpoint(path, freeze(model))
    return path


def make_loras(checkpoint: Path, folder: Path, stages: Sequence[Stage] = STAGES) -> None:
    """Distil stage after stage from a checkpoint; each LoRA starts from the one before and learns from it."""
    model = load_checkpoint(checkpoint)
    teacher = model.unet
    state = lora.new_lora(model.unet, RANK, torch.Generator().manual_seed(SEED))
    for stage in stages:
        task = Distillation(stage, model, teacher, state)
        run = Run(stage.name, task.parameters, stage.recipe, folder)
        state = {**task.state, **run.train(task.loss)}
        path = folder / "weights" / LORAS[stage.segments].relative_to(WEIGHTS)
        save_lora(path, state, f"{stage.segments} steps")
        teacher = merged(model.unet, state)


def make_unified(checkpoint: Path, loras: Path, folder: Path, plan: Plan = UNIFIED) -> None:
    """Distil the LoRA for 1 to 8 steps: from the one for 2 steps on, by the one for 4, both in the folder `loras`."""
    model = load_checkpoint(checkpoint)
    four, two = (lora.load_lora(loras / LORAS[n].name) for n in (4, 2))
    task = Unified(plan, model, merged(model.unet, four), two)
    run = Run(NAME, task.parameters, plan.recipe, folder)
    state = {**task.state, **run.train(task.loss)}
    save_lora(folder / "weights" / LORAS[1].relative_to(WEIGHTS), state, "1 step, and for up to 8 under TCD,")


def export(folder: Path) -> None:
    """Copy what is finished over the package's own weights."""
    for path in (CHECKPOINT, *LORAS.values()):
        made = folder / "weights" / path.relative_to(WEIGHTS)
        if made.exists():
            shutil.copyfile(made, path)
            print(f"{made} -> {path}")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m dev.miniature.train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=("all", "autoencoder", "base", "loras", "unified", "export"))
    parser.add_argument("--folder", type=Path, default=Path("outputs/miniature"), help="where the work is kept")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT, help="what LoRAs are distilled from")
    parser.add_argument("--loras", type=Path, default=LORAS[4].parent, help="unified: the folder with the others")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    if args.part == "autoencoder":
        make_autoencoder(fresh_model(), args.folder)
    checkpoint, loras = args.checkpoint, args.loras
    if args.part in ("base", "all"):
        checkpoint = make_base(args.folder)
    if args.part in ("loras", "all"):
        make_loras(checkpoint, args.folder)
    if args.part == "all":
        loras = args.folder / "weights" / LORAS[4].relative_to(WEIGHTS).parent
    if args.part in ("unified", "all"):
        make_unified(checkpoint, loras, args.folder)
    if args.part == "export":
        export(args.folder)


if __name__ == "__main__":
    main()
