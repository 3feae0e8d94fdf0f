"""Training: exact resume, the learning rate, progress, and that each loss can be learned."""

import pytest
import torch

from dev.miniature import lora, train
from dev.miniature.checkpoint import CHECKPOINT, LORAS, load_checkpoint
from dev.miniature.distill import Distillation, Stage, merged
from dev.miniature.loop import Dice, Recipe, Run, learning_rate
from dev.miniature.pretrain import AutoencoderTask, BaseTask
from dev.miniature.progress import Progress

TINY = Recipe(4, peak=1e-3, save_every=1)


def task_of(name):
    """A fresh task, always from the same start."""
    if name == "autoencoder":
        return AutoencoderTask(train.fresh_model().autoencoder, batch=2)
    if name == "base":
        return BaseTask(train.fresh_model(), batch=2)
    model = load_checkpoint(CHECKPOINT)
    start = lora.new_lora(model.unet, 4, torch.Generator().manual_seed(0))
    return Distillation(Stage(2, 2, TINY, cfg=4.0, batch=4), model, model.unet, start)


def run_of(name, folder, recipe=TINY):
    task = task_of(name)
    return task, Run(name, task.parameters, recipe, folder)


@pytest.mark.parametrize("name", ["autoencoder", "base", "lora"])
def test_a_run_that_was_killed_ends_at_the_same_weights_to_the_bit(name, tmp_path):
    task, run = run_of(name, tmp_path / "straight")
    straight = run.train(task.loss)
    task, run = run_of(name, tmp_path / "killed")
    run.train(task.loss, until=2)
    task, run = run_of(name, tmp_path / "killed")
    assert run.iteration == 2
    resumed = run.train(task.loss)
    for key in straight:
        assert torch.equal(straight[key], resumed[key]), key
    _, untrained = run_of(name, tmp_path / "none")
    assert any(not torch.equal(straight[key], untrained.average[key]) for key in straight)


def test_a_kill_between_two_saves_costs_only_the_iterations_since(tmp_path):
    recipe = Recipe(4, peak=1e-3, save_every=3)
    task, run = run_of("autoencoder", tmp_path, recipe)
    run.train(task.loss, until=3)
    (tmp_path / "autoencoder.part").write_bytes(b"half a file, as a kill while saving leaves it")
    _, run = run_of("autoencoder", tmp_path, recipe)
    assert run.iteration == 3


def test_a_finished_run_is_not_trained_again(tmp_path):
    task, run = run_of("autoencoder", tmp_path)
    run.train(task.loss)
    _, run = run_of("autoencoder", tmp_path)
    assert run.finished
    run.train(lambda dice: pytest.fail("trained again"))


def test_a_run_of_another_recipe_is_refused(tmp_path):
    task, run = run_of("autoencoder", tmp_path)
    run.train(task.loss, until=1)
    with pytest.raises(ValueError, match="another recipe"):
        run_of("autoencoder", tmp_path, Recipe(5, peak=1e-3))


def test_dice_depend_on_seed_stage_and_iteration_alone():
    throws = {Dice.roll(*key).normal(1).item() for key in [(0, "a", 0), (1, "a", 0), (0, "b", 0), (0, "a", 1)]}
    assert len(throws) == 4
    assert Dice.roll(0, "a", 1).normal(1).item() in throws
    assert Dice.roll(0, "a", 0).numpy.random() == Dice.roll(0, "a", 0).numpy.random()


def test_the_learning_rate_warms_up_and_comes_down():
    rates = [learning_rate(i / 100, 1.0) for i in range(101)]
    assert max(rates) == rates[3] == pytest.approx(1.0)
    assert rates[:4] == sorted(rates[:4])
    assert rates[3:] == sorted(rates[3:], reverse=True)
    assert rates[-1] == pytest.approx(0.02)


def test_the_whole_chain_makes_a_checkpoint_and_loras_that_load(tmp_path):
    two = Recipe(2, peak=1e-3)
    path = train.make_base(tmp_path, two, two)
    train.make_loras(path, tmp_path, (Stage(4, 2, two, cfg=4.0, batch=8), Stage(2, 2, two, batch=8)))
    model = load_checkpoint(path)
    assert model.autoencoder.std.mean() != 1
    for steps in (4, 2):
        lora.merge(model.unet, lora.load_lora(tmp_path / "weights" / "Lora" / LORAS[steps].name))


def test_a_student_that_is_its_teacher_has_nothing_to_learn():
    """One teacher step without guidance by the same weights: the loss is zero, whatever the states."""
    model = load_checkpoint(CHECKPOINT)
    start = lora.load_lora(LORAS[4])
    stage = Stage(4, 1, TINY, batch=8)
    same = Distillation(stage, model, merged(model.unet, start), start)
    other = Distillation(stage, model, model.unet, start)
    dice = (Dice.roll(0, "x", 0), Dice.roll(0, "x", 0))
    assert same.loss(dice[0]).item() == pytest.approx(0, abs=1e-8)
    assert other.loss(dice[1]).item() > 1e-5


def test_progress_prints_lines_with_an_estimate_where_there_is_no_terminal(capsys):
    progress = Progress("job", 80, done=40)
    for _ in range(40):
        progress.advance("loss 1")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 20
    assert lines[-1].startswith("job 80/80 ")
    assert " left loss 1" in lines[0]
    assert "\r" not in "".join(lines)
