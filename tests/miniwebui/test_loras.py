"""What each host does to a LoRA: its map of names, its patches, what it merges, and into which storage."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from server import HERE, PROJECT

STORAGES = {
    "forge": ("fp8", "nf4", "q8_0", "q4_0"),
    "neo": ("fp8", "nf4", "q8_0", "q4_0"),
    "reforge": ("fp8",),
    "a1111": ("fp8",),
    "classic": (),
}
GGUF = ("q8_0", "q4_0")
PATCHING = ("forge", "neo", "reforge", "classic")


@functools.cache
def facts(profile: str) -> dict[str, Any]:
    """{storage: facts}, see lora_facts.py."""
    storages = [x for x in STORAGES[profile] if x not in GGUF or find_spec("gguf")]
    command = [sys.executable, str(HERE / "lora_facts.py"), profile, *storages]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def of(profile: str, storage: str = "") -> dict[str, Any]:
    if storage in GGUF:
        pytest.importorskip("gguf")
    return facts(profile)[storage]


@pytest.mark.parametrize("profile", PATCHING)
def test_the_set_of_loras_is_remembered_as_the_host_writes_it(profile):
    found = of(profile)["structures"]["miniature-sdxl"]
    ends = {"forge": "0.75, 0.75, False]]", "neo": "0.75, 0.75, False]]"}.get(profile, "0.75, 0.75]]")
    assert found["hash"].endswith(f"Hyper-SDXL-8steps-lora.safetensors', {ends}")
    assert found["after"]
    assert not found["original"]


@pytest.mark.parametrize("profile", PATCHING)
def test_patches_have_the_hosts_form(profile):
    found = of(profile)["structures"]["miniature-sdxl"]
    assert (found["by_file"] is not None) == (profile == "forge")
    if profile == "forge":
        assert [x[1:] for x in found["by_file"]] == [[0.75, 1.0, False]]
    fields = {"classic": 3, "forge": 5, "reforge": 5, "neo": 6}[profile]
    kind = "LoRAAdapter" if profile in ("neo", "reforge") else "tuple"
    assert found["entry"] == ["float", kind, "float", "NoneType", "NoneType", "bool"][:fields]
    assert found["entry_values"] == [0.75, 1.0, None, None, False][: 2 if fields == 3 else fields - 1]
    assert found["patch"] == ["lora"]
    assert found["patch_fields"] == [{"classic": 4, "forge": 5}.get(profile, 6)]


@pytest.mark.parametrize("profile", PATCHING)
def test_keys_begin_with_diffusion_model_and_lead_to_layers(profile):
    for found in of(profile)["structures"].values():
        assert all(key.startswith("diffusion_model.") for key in found["weights"] + found["keys"])
        assert found["layers"]


@pytest.mark.parametrize("profile", PATCHING)
def test_every_tensor_of_a_familys_lora_finds_its_weight(profile):
    for checkpoint, found in of(profile)["structures"].items():
        if (profile, checkpoint) != ("forge", "miniature-sd3"):
            assert found["left"] == (None if profile == "reforge" else 0)
            assert found["entries"] == found["matched"] > 0


@pytest.mark.parametrize("profile", ["forge", "neo"])
def test_flux_loras_go_into_parts_of_fused_layers(profile):
    found = of(profile)["structures"]["miniature-flux-dev"]
    assert found["slices"] == ["(0, 16)", "(16, 16)", "(32, 16)", "(48, 64)"]
    assert (found["entries"], len(found["weights"])) == (26, 12)


@pytest.mark.parametrize("profile", ["reforge"])
def test_sd3_loras_go_into_thirds_of_fused_layers_on_reforge(profile):
    found = of(profile)["structures"]["miniature-sd3"]
    assert found["slices"] == ["(0, 16)", "(16, 16)", "(32, 16)"]
    assert (found["entries"], len(found["weights"])) == (28, 20)


@pytest.mark.parametrize("profile", ["forge"])
def test_forge_drops_sd3s_file_and_says_so_in_the_console(profile):
    found = of(profile)["structures"]["miniature-sd3"]
    assert (found["matched"], found["left"], found["by_file"]) == (0, 56, [])
    line = found["console"]
    assert line.startswith("[LORA] LoRA version mismatch for KModel: ")
    assert line.endswith("Hyper-SD3-8steps-CFG-lora.safetensors\n")
    assert of(profile)["merging"]["miniature-sd3"]["output"] == 0


@pytest.mark.parametrize("profile", STORAGES)
def test_one_missing_lora_costs_all_others_on_forge_reforge_and_classic(profile):
    found = of(profile)["missing"]
    drops = profile in ("forge", "reforge", "classic")
    assert found["loaded"] == ([] if drops else ["Hyper-SD15-4steps-lora"])
    assert found["patches"] in (0 if drops else 83, None if profile == "a1111" else 0 if drops else 83)
    assert ("'NoneType' object has no attribute 'filename'" in found["console"]) == drops


@pytest.mark.parametrize(
    ("profile", "storage"),
    [(p, s) for p in PATCHING for s in ("", *STORAGES[p]) if s == "" or (p == "forge" or (p, s) == ("neo", "nf4"))],
)
def test_merging_is_the_plain_sum_rounded_once_to_the_storage(profile, storage):
    for checkpoint, found in of(profile, storage)["merging"].items():
        assert found["wrong"] < 1e-3, checkpoint  # float32 may fall on the other side of a middle
        assert (found["others"], found["restored"]) == (0, True), checkpoint
        assert found["output"] > 0 or (profile, checkpoint) == ("forge", "miniature-sd3")


@pytest.mark.parametrize("profile", PATCHING)
def test_a_familys_lora_changes_its_layers_by_two_percent(profile):
    for checkpoint, found in of(profile)["merging"].items():
        if checkpoint != "miniature-sd15" and found["layers"]:
            assert 0.018 < found["length"] < 0.022
            assert found["kept"] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("profile", ["forge"])
@pytest.mark.parametrize(
    ("storage", "low", "high"), [("nf4", 0, 0.1), ("q4_0", 0, 0.1), ("fp8", 0, 0.3), ("q8_0", 0.95, 1.05)]
)
def test_low_bit_weights_keep_next_to_nothing_of_a_small_change(storage, low, high, profile):
    for checkpoint in ("miniature-sdxl", "miniature-flux-dev"):
        assert low < of(profile, storage)["merging"][checkpoint]["kept"] < high


@pytest.mark.parametrize("profile", ["neo", "reforge"])
def test_fp8_is_rounded_by_chance_so_that_the_change_is_kept_on_average(profile):
    found = of(profile, "fp8")["merging"]["miniature-sdxl"]
    assert found["kept"] == pytest.approx(1, abs=0.05)
    assert found["wrong"] > 0.05
    assert found["restored"]


@pytest.mark.parametrize("profile", ["neo"])
@pytest.mark.parametrize("storage", GGUF)
def test_neo_applies_loras_to_gguf_weights_in_each_run(storage, profile):
    found = of(profile, storage)
    assert found["structures"]["miniature-flux-dev"]["entry_values"][-1] is True
    merged, plain = (of(profile, x)["merging"]["miniature-flux-dev"] for x in (storage, ""))
    assert merged["kept"] == 0
    assert merged["output"] == pytest.approx(plain["output"], rel=0.5)
    assert merged["restored"]


@pytest.mark.parametrize(("profile", "storage"), [("forge", ""), ("forge", "nf4"), ("forge", "fp8"), ("neo", "nf4")])
def test_the_option_of_fp16_loras_leaves_low_bit_weights_alone_and_keeps_the_whole_change(profile, storage):
    found, plain = of(profile, storage)["online"], of(profile)["merging"]["miniature-sdxl"]
    assert found["output"] == pytest.approx(plain["output"], rel=0.35)
    assert found["told"] == found["has"] == found["weights_stay"] == bool(storage)  # Forge merges into float weights
    assert found["restored"]


@pytest.mark.parametrize("profile", ["forge", "neo"])
def test_room_that_is_asked_for_is_kept_by_clones_of_the_patcher_alone(profile):
    assert of(profile)["room"] == {"asked": 1000, "later": 0}


@pytest.mark.parametrize("profile", ["forge", "neo"])
def test_stored_weights_show_what_the_hosts_show(profile):
    for storage, name in (("nf4", "nf4"), ("fp8", "torch.float8_e4m3fn"), ("q8_0", "gguf"), ("q4_0", "gguf")):
        found = of(profile, storage)["layers"]["miniature-flux-dev"]
        assert found["storage"] == name
        for layer in found["layers"]:
            assert layer["dense"][1] == 3072
            assert (layer["torch_linear"], layer["gguf"]) == (
                profile == "neo" and storage == "fp8",
                storage.upper() if storage in GGUF else None,
            )
            if storage == "nf4":
                rows = layer["dense"][0]
                assert (layer["bnb"], layer["quant_type"], layer["state_shape"]) == (True, "nf4", [rows, 3072])
                assert (layer["dtype"], layer["shape"]) == ("torch.uint8", [rows * 3072 // 2, 1])
            elif storage in GGUF:
                assert layer["shape"] == layer["real_shape"] == layer["dense"]
            else:
                assert layer["dtype"] == name


def test_a_checkpoint_in_nf4_is_kept_in_nf4(tmp_path: Path, forge):
    drawn = forge.draw(override_settings={"sd_model_checkpoint": "miniature-flux-dev-nf4"})
    forge.post("/sdapi/v1/options", {"sd_model_checkpoint": "miniature-sd15"})
    assert "Model: miniature-flux-dev-nf4" in drawn.text
    assert forge.get("/probe")["storage"] == "nf4"


@pytest.mark.parametrize("profile", ["a1111"])
def test_a1111_gives_each_layer_a_module(profile):
    found = of(profile)["modules"]["miniature-sd15"]
    assert len(found["keys"]) == 83
    assert "diffusion_model_input_blocks_3_1_transformer_blocks_0_attn2_to_k" in found["keys"]
    key, in_file, layer = found["first"]
    assert in_file.startswith(f"{key.replace('diffusion_model', 'lora_unet')}.")
    assert layer in ("Linear", "Conv2d")
    assert found["mapped"]
    assert found["none"] == [True, True]
    assert found["multipliers"] == [1.0, 1.0, None]
    assert found["changed"]
    assert found["restored"]
    assert found["errors"] == {}


@pytest.mark.parametrize("profile", ["a1111"])
def test_a1111_knows_kohyas_names_of_sdxl(profile):
    found = of(profile)["modules"]["miniature-sdxl"]
    assert len(found["keys"]) == 12
    assert found["shapes"] == [[16, 4], [4, 1280], 4, 4.0]


@pytest.mark.parametrize("profile", ["a1111"])
def test_a1111_takes_sd3s_image_stream_alone(profile):
    """The host's map of PEFT names has a wrong letter in those of the context, and none of what is no attention."""
    found = of(profile)["modules"]["miniature-sd3"]
    parts = ("proj", "qkv_k_proj", "qkv_q_proj", "qkv_v_proj")
    assert found["keys"] == [f"diffusion_model_joint_blocks_{i}_x_block_attn_{x}" for i in (0, 1) for x in parts]
    assert found["first"][2] == "QkvLinear"
    assert found["changed"]


@pytest.mark.parametrize("profile", ["a1111"])
def test_a1111_counts_fused_layers_in_fp8_as_errors(profile):
    found = of(profile, "fp8")["modules"]
    assert found["miniature-sd3"]["errors"] == {"Hyper-SD3-8steps-CFG-lora": 2}
    assert found["miniature-sd15"]["errors"] == {}
    assert found["miniature-sd15"]["changed"]
    assert found["miniature-sd15"]["restored"]


@pytest.mark.parametrize(("profile", "storage"), [("a1111", "nf4"), ("reforge", "q8_0"), ("classic", "fp8")])
def test_a_storage_that_the_host_lacks_ends_the_start_in_one_sentence(profile, storage):
    launch = PROJECT / "dev" / "miniwebui" / "launch.py"
    command = [sys.executable, str(launch), "--profile", profile, "--storage", storage]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert done.stderr.startswith(f"error: {profile} has no {storage} storage; it has ")
    assert len(done.stderr.splitlines()) == 1
