"""The tables: their arithmetic, and that the commands run."""

import json
import math

import pytest
import torch

from dev.miniature import evaluate, train
from dev.miniature.checkpoint import LORAS, WEIGHTS
from dev.miniature.evaluate import CHOSEN_BY, MEASURED, Score, Setting, measure
from dev.miniature.scenes import prompts


def score(*right):
    return Score(torch.tensor(right, dtype=torch.bool), sharpness=1.0, variety=1.0, seconds=0.0)


def test_accuracy_has_the_standard_error_of_a_share():
    assert score(1, 1, 1, 0).accuracy == 0.75
    assert score(1, 1, 1, 0).error == pytest.approx(math.sqrt(0.75 * 0.25 / 4))


def test_a_gap_is_taken_picture_by_picture():
    """The same pictures wrong in both: no gap and no error of it, however unsure the accuracies are."""
    assert score(1, 0, 1, 0).over(score(1, 0, 1, 0)) == (0.0, 0.0)
    gap, error = score(1, 1, 1, 0).over(score(1, 0, 1, 0))
    assert gap == 0.25
    assert error == pytest.approx(0.25)


def test_choosing_and_measuring_share_neither_prompts_nor_noise():
    for kind in ("explicit", "vague"):
        assert prompts(kind, 50, CHOSEN_BY.prompts) != prompts(kind, 50, MEASURED.prompts)
    assert abs(CHOSEN_BY.noise - MEASURED.noise) > 100_000


def test_a_lora_changes_what_is_measured_and_weight_0_does_not():
    texts = prompts("explicit", 4, 0)
    stock = measure(Setting(2, 1.0), texts, noise=1)
    assert measure(Setting(2, 1.0, LORAS[2], 0.0), texts, noise=1).sharpness == stock.sharpness
    assert measure(Setting(2, 1.0, LORAS[2]), texts, noise=1).sharpness != stock.sharpness


def test_variety_is_1_for_all_alike_chances_and_0_for_a_single_one():
    assert evaluate.variety(torch.arange(40) % 8, 8) == pytest.approx(1)
    assert evaluate.variety(torch.zeros(40, dtype=torch.long), 8) == 0


def test_the_tables_cover_all_steps_and_go_to_json(tmp_path, capsys):
    path = tmp_path / "rows.json"
    evaluate.main(["tables", "--prompts", "2", "--kinds", "vague", "--json", str(path)])
    rows = json.loads(path.read_text())
    names = [row["setting"] for row in rows]
    assert len(set(names)) == len(names) == 16
    for steps in (25, 8, 4, 2, 1):
        assert f"stock, {steps} steps, CFG 4" in names
    assert "Hyper-SD15-4steps-lora × 1, 4 steps, CFG 1" in names
    assert all(name in capsys.readouterr().out for name in names[:1])


def test_export_takes_only_what_is_finished(tmp_path, monkeypatch):
    package, folder = tmp_path / "package", tmp_path / "work"
    targets = {n: package / "Lora" / path.name for n, path in LORAS.items()}
    monkeypatch.setattr(train, "WEIGHTS", package)
    monkeypatch.setattr(train, "CHECKPOINT", package / "Stable-diffusion" / "x.safetensors")
    monkeypatch.setattr(train, "LORAS", targets)
    made = folder / "weights" / LORAS[4].relative_to(WEIGHTS)
    made.parent.mkdir(parents=True)
    targets[4].parent.mkdir(parents=True)
    made.write_bytes(b"new")
    train.main(["export", "--folder", str(folder)])
    assert targets[4].read_bytes() == b"new"
    assert not targets[8].exists()
