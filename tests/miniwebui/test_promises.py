"""What miniwebui promises to extensions: the real hosts' order, faults, leaks and differences."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from server import HERE, PROMPT, Drawn, Server, request, running

LORA = "<lora:Hyper-SD15-4steps-lora:1>"
SAME = ["Use same choices"]

ORDER = """setup before_process process before_process_batch after_extra_networks_activate process_batch
process_before_every_sampling post_sample postprocess_batch postprocess_batch_list postprocess_image
postprocess_maskoverlay postprocess_image_after_composite postprocess""".split()


def probe_args(*values):
    return {"alwayson_scripts": {"Probe": {"args": list(values)}}}


def furthest(a: Drawn, b: Drawn, picture: int = 0) -> int:
    """The greatest difference between a's picture and b's first, in 255ths."""
    pairs = zip(a.pixels[picture], b.pixels[0], strict=True)
    return max(abs(x - y) for x, y in pairs)


def hires_fields(server: Server) -> dict:
    fields = {"enable_hr": True, "hr_upscaler": "None", "hr_scale": 2, "denoising_strength": 0.55}
    if server.profile in ("forge", "neo"):
        fields["hr_additional_modules"] = SAME
    return fields


def test_hooks_come_in_the_hosts_order(host):
    host.draw()
    assert [x for x in host.probe()["calls"] if not x.startswith("earlier")] == ORDER


def test_metadata_ini_orders_one_hook_and_leaves_the_others(host):
    host.draw()
    calls = host.probe()["calls"]
    # Forge Classic's callbacks have no order of their own.
    assert (calls.index("earlier process") < calls.index("process")) == (host.profile != "classic")
    assert calls.index("process_batch") < calls.index("earlier process_batch")


def test_the_hook_before_sampling_fires_twice_for_forges_hires_pass_only(host):
    host.draw(**hires_fields(host))
    expected = 3 if host.profile == "forge" else 2
    assert host.probe()["calls"].count("process_before_every_sampling") == expected
    assert host.probe()["calls"].count("before_hr") == 1


@pytest.mark.parametrize("hook", ["before_process", "process", "before_process_batch", "postprocess_image"])
def test_a_fault_in_a_hook_is_logged_and_the_picture_drawn(forge, hook):
    plain = forge.draw()
    assert forge.draw(**probe_args(f"raise in {hook}")).pixels == plain.pixels
    assert any(f"Error running {hook}" in line for line in forge.log)


def test_what_process_changes_is_drawn_and_told(host):
    changed, by_hand = host.draw(**probe_args("four steps"), steps=7), host.draw(steps=4, cfg_scale=1.0)
    assert changed.pixels == by_hand.pixels
    assert "Steps: 4, " in changed.text
    assert "CFG scale: 1.0, " in changed.text
    assert changed.parameters["steps"] == 7


def test_missing_arguments_keep_the_defaults_and_extra_ones_are_dropped(forge):
    for given, expected in (([], ["ui default", 7]), (["a"], ["a", 7]), ([None, 2, 3], [None, 2])):
        forge.draw(**probe_args(*given))
        assert forge.probe()["seen"]["args"] == expected
    forge.draw(alwayson_scripts={"probe": {"args": [{"key": 1}]}})
    assert forge.probe()["seen"]["args"] == [{"key": 1}, 7]


def test_bad_alwayson_scripts_are_the_hosts_errors(forge):
    assert forge.call("/sdapi/v1/txt2img", request(alwayson_scripts={"no such": {}}))[0] == 422
    assert forge.call("/sdapi/v1/txt2img", request(alwayson_scripts={"Probe": {"args": 5}}))[0] == 500


def test_an_override_of_a_setting_without_a_saved_value_leaks(host):
    host.draw(override_settings={"eta_ancestral": 0.5})
    assert host.probe()["options"]["eta_ancestral"] == 0.5
    host.draw(override_settings={"eta_ancestral": 0.25})
    assert host.probe()["options"]["eta_ancestral"] == 0.5


def test_an_override_added_before_process_is_in_force(forge):
    assert "Clip skip: 3" in forge.draw(**probe_args("override")).text
    forge.post("/sdapi/v1/options", {"CLIP_stop_at_last_layers": 1})


def test_a_list_is_told_by_picture_and_a_function_is_called(forge):
    drawn = forge.draw(**probe_args("params"), batch_size=2)
    assert [("picture 0" in x, "picture 1" in x) for x in drawn.texts] == [(True, False), (False, True)]
    assert "Called: at 1" in drawn.texts[1]


def test_a_batch_is_its_single_pictures(forge):
    for sampler in ("Euler", "Euler a", "DPM++ SDE"):
        batch = forge.draw(sampler_name=sampler, batch_size=2)
        assert furthest(batch, forge.draw(sampler_name=sampler, seed=1), picture=0) <= 2
        assert furthest(batch, forge.draw(sampler_name=sampler, seed=2), picture=1) <= 2


def test_a_lora_tag_changes_the_weights_and_goes_again(host):
    before, count = host.draw(cfg_scale=1).pixels, host.stats()["repatches"]
    with_lora = host.draw(prompt=f"{PROMPT} {LORA}", cfg_scale=1)
    assert with_lora.pixels != before
    assert 'Lora hashes: "Hyper-SD15-4steps-lora: ' in with_lora.text
    assert host.draw(prompt=f"{PROMPT} {LORA}", cfg_scale=1).pixels == with_lora.pixels
    assert host.stats()["repatches"] == count + 1
    assert host.draw(cfg_scale=1).pixels == before


def test_the_unet_weight_is_the_third_number(forge):
    half = forge.draw(prompt=f"{PROMPT} <lora:Hyper-SD15-4steps-lora:0:0.5>")
    for tag in ("<lora:Hyper-SD15-4steps-lora:te=0:unet=0.5>", "<lora:Hyper-SD15-4steps-lora:0.5>"):
        assert forge.draw(prompt=f"{PROMPT} {tag}").pixels == half.pixels


def test_a_missing_lora_takes_the_others_along_but_on_neo_and_a1111(host):
    prompt, there = f"{PROMPT} {LORA} <lora:not there:1>", f"{PROMPT} {LORA}"
    drops_all = host.profile not in ("neo", "a1111")
    expected = PROMPT if drops_all else there
    assert host.draw(prompt=prompt).pixels == host.draw(prompt=expected).pixels


def test_the_same_tag_twice_counts_twice_but_on_forge(host):
    adds_up = host.profile != "forge"
    twice = host.draw(prompt=f"{PROMPT} {LORA} {LORA}")
    doubled = host.draw(prompt=f"{PROMPT} <lora:Hyper-SD15-4steps-lora:2>")
    assert (furthest(twice, doubled) <= 2) == adds_up
    assert (twice.pixels == host.draw(prompt=f"{PROMPT} {LORA}").pixels) != adds_up


def test_the_uncond_is_evaluated_at_cfg_one_on_a1111_only(host):
    before = host.stats()["evaluations"]
    host.draw(cfg_scale=1)
    assert host.stats()["evaluations"] - before == (8 if host.profile == "a1111" else 4)


def test_skip_early_cond_saves_a1111s_uncond_without_another_picture(a1111):
    plain = a1111.draw(cfg_scale=1)
    before = a1111.stats()["evaluations"]
    skipped = a1111.draw(cfg_scale=1, override_settings={"skip_early_cond": 1.0})
    assert a1111.stats()["evaluations"] - before == 4
    assert "Skip Early CFG: 1.0" in skipped.text
    assert furthest(plain, skipped) <= 1
    a1111.post("/sdapi/v1/options", {"skip_early_cond": 0.0})


def test_a_host_has_the_fields_that_it_has(host):
    host.draw()
    fields, has = set(host.probe()["seen"]["fields"]), host.profile in ("forge", "neo")
    assert ("distilled_cfg_scale" in fields) == has
    assert ("hr_additional_modules" in fields) == has
    assert ("hr_cfg" in fields) == (host.profile not in ("a1111", "classic"))
    assert ({"scheduler", "hr_scheduler"} <= fields) == (host.profile != "classic")


def test_hires_without_modules_is_forges_500(forge):
    fields = {"enable_hr": True, "denoising_strength": 0.5}
    status, answer = forge.call("/sdapi/v1/txt2img", request(**fields))
    assert (status, answer["error"]) == (500, "TypeError")
    assert forge.call("/sdapi/v1/txt2img", request(**fields, hr_additional_modules=SAME))[0] == 200


def test_hires_evaluates_its_own_steps(host):
    before = host.stats()["evaluations"]
    drawn = host.draw(**hires_fields(host), hr_second_pass_steps=3, cfg_scale=1, **cfg_of_second_pass(host))
    rows = 2 if host.profile == "a1111" else 1
    assert host.stats()["evaluations"] - before == rows * (4 + 3)
    assert drawn.images[0].size == (128, 128)
    assert "Hires steps: 3" in drawn.text


def cfg_of_second_pass(host: Server) -> dict:
    return {} if host.profile == "a1111" else {"hr_cfg": 1.0}


def test_comments_fall_out_of_the_prompt(host):
    drawn = host.draw(prompt=f"{PROMPT} # <lora:Hyper-SD15-4steps-lora:1>")
    assert drawn.pixels == host.draw().pixels
    assert "#" not in drawn.text


def test_and_draws_both_prompts(forge):
    one, before = forge.draw(prompt="a red circle"), forge.stats()["evaluations"]
    both = forge.draw(prompt="a red circle AND a blue square")
    assert forge.stats()["evaluations"] - before == 4 * 3
    assert both.pixels != one.pixels


def test_prompt_editing_changes_the_prompt_on_its_step(forge):
    edited = forge.draw(prompt="a [red:blue:0.5] circle").pixels
    assert edited != forge.draw(prompt="a red circle").pixels
    assert edited != forge.draw(prompt="a blue circle").pixels


def test_img2img_evaluates_what_the_hosts_do(host):
    import base64
    import io

    buffer = io.BytesIO()
    host.draw().images[0].save(buffer, "PNG")
    init = base64.b64encode(buffer.getvalue()).decode()
    for steps, denoise, expected in ((8, 0.55, 5), (8, 0.3, 3)):
        before = host.stats()["evaluations"]
        body = request(init_images=[init], denoising_strength=denoise, steps=steps, cfg_scale=4)
        drawn = Drawn(host.post("/sdapi/v1/img2img", body))
        unguided = 1 if host.profile == "classic" else 0  # its first step, whatever the CFG
        assert host.stats()["evaluations"] - before == 2 * expected - unguided
        assert f"Denoising strength: {denoise}" in drawn.text


FAMILIES = {
    "miniature-sdxl": {"forge": "StableDiffusionXL", "neo": "StableDiffusionXL", "a1111": "DiffusionEngine"},
    "miniature-sd3": {"forge": "StableDiffusion3", "a1111": "SD3Inferencer"},
    "miniature-flux-dev": {"forge": "Flux", "neo": "Flux"},
}


@pytest.mark.parametrize("checkpoint", FAMILIES)
@pytest.mark.parametrize("profile", ["forge", "neo", "a1111"])
def test_a_stand_in_is_of_its_family_and_takes_its_loras(profile, checkpoint, request):
    server = request.getfixturevalue(profile)
    if profile not in FAMILIES[checkpoint]:
        assert checkpoint not in [x["model_name"] for x in server.get("/sdapi/v1/sd-models")]
        return
    tag = {
        "miniature-sdxl": "<lora:Hyper-SDXL-8steps-lora:0.75>",
        "miniature-sd3": "<lora:Hyper-SD3-8steps-CFG-lora:0.125>",
        "miniature-flux-dev": "<lora:Hyper-FLUX.1-dev-8steps-lora:0.125>",
    }[checkpoint]
    override = {"override_settings": {"sd_model_checkpoint": checkpoint}}
    try:
        plain = server.draw(**override)
        assert server.probe()["seen"]["model"] == FAMILIES[checkpoint][profile]
        assert f"Model: {checkpoint}" in plain.text
        assert ("Distilled CFG Scale: 3.5" in plain.text) == (checkpoint == "miniature-flux-dev")
        takes = (profile, checkpoint) != ("forge", "miniature-sd3")  # whose names Forge doesn't know
        assert (server.draw(**override, prompt=f"{PROMPT} {tag}").pixels != plain.pixels) == takes
        assert server.draw(**override, prompt=f"{PROMPT} {LORA}").pixels == plain.pixels
    finally:
        server.post("/sdapi/v1/options", {"sd_model_checkpoint": "miniature-sd15"})


def test_png_info_reads_the_infotext_back(forge):
    answer = forge.post("/sdapi/v1/txt2img", request())
    read = forge.post("/sdapi/v1/png-info", {"image": answer["images"][0]})
    assert read["info"] == Drawn(answer).text
    assert read["parameters"]["Steps"] == "4"


def test_the_lists_of_the_api(host):
    assert {"Euler", "Euler a", "DPM++ 2M"} <= {x["name"] for x in host.get("/sdapi/v1/samplers")}
    status, schedulers = host.call("/sdapi/v1/schedulers")
    assert status == (404 if host.profile == "classic" else 200)
    if status == 200:
        assert {"Automatic", "Karras", "SGM Uniform", "Simple"} <= {x["label"] for x in schedulers}
    assert "/sdapi/v1/txt2img" in host.get("/openapi.json")["paths"]
    assert "probe" in host.get("/sdapi/v1/scripts")["txt2img"]
    assert host.get("/sdapi/v1/progress")["progress"] == 0


def test_forge_knows_no_model_before_the_first_picture_and_asks_for_credentials():
    with running("forge", "--without-extension", "--api-auth", "u:p", "--nowebui", *_probe()) as server:
        assert server.get("/probe")["model"] == "FakeInitialModel"
        assert server.call("/sdapi/v1/samplers")[0] == 401
        assert server.call("/sdapi/v1/samplers", auth="u:wrong")[0] == 401
        assert server.call("/sdapi/v1/txt2img", request(), auth="u:p")[0] == 200
        assert server.get("/probe")["model"] == "StableDiffusion"


def _probe() -> list[str]:
    return ["--extra-extension", str(HERE / "probe_extension")]


def test_broken_lora_files_are_reported_and_the_picture_is_drawn(tmp_path: Path):
    weights = HERE.parents[1] / "dev" / "miniature" / "weights"
    shutil.copy(weights / "Stable-diffusion" / "miniature-sd15.safetensors", tmp_path)
    good = (weights / "Lora" / "Hyper-SD15-4steps-lora.safetensors").read_bytes()
    (tmp_path / "loras").mkdir()
    for name, content in (
        ("empty", b""),
        ("truncated", good[: len(good) // 2]),
        ("text", b"not safetensors at all"),
        ("huge", (2**60).to_bytes(8, "little") + b"{}"),
    ):
        (tmp_path / "loras" / f"{name}.safetensors").write_bytes(content)
    folders = ["--models-dir", str(tmp_path), "--lora-dir", str(tmp_path / "loras")]
    with running("forge", "--without-extension", "--nowebui", *folders) as server:
        plain = server.draw()
        for name in ("empty", "truncated", "text", "huge"):
            assert server.draw(prompt=f"{PROMPT} <lora:{name}:1>").pixels == plain.pixels
        assert any("activating extra network lora" in line for line in server.log)


def test_an_axis_of_the_plot_sets_its_field_before_process(forge):
    names = [x["name"] for x in forge.get("/sdapi/v1/script-info")]
    assert "x/y/z plot" in names
    steps = 4  # the place of "Steps" among the txt2img axes
    args = [steps, "2,3", [], 0, "", [], 0, "", [], True, True, False, False, False, False, False, 0, False]
    before = forge.stats()["evaluations"]
    drawn = forge.draw(script_name="X/Y/Z plot", script_args=args, cfg_scale=1)
    assert forge.stats()["evaluations"] - before == 5
    assert len(drawn.images) == 3
    assert drawn.pixels[1] == forge.draw(steps=2, cfg_scale=1).pixels[0]
    assert 'X Type: Steps, X Values: "2,3"' in drawn.text


def test_prompts_from_a_file_are_drawn_one_by_one(forge):
    lines = 'a red circle\n--prompt "a blue square" --steps 2'
    args = [False, False, "start", lines, False]
    drawn = forge.draw(script_name="prompts from file or textbox", script_args=args, prompt="")
    assert drawn.pixels[0] == forge.draw(prompt="a red circle").pixels[0]
    assert drawn.pixels[1] == forge.draw(prompt="a blue square", steps=2).pixels[0]


@pytest.mark.parametrize("profile", ["forge", "a1111"])
def test_a_number_that_is_not_finite_still_gets_its_picture(profile, request):
    server, wish = request.getfixturevalue(profile), float("nan")
    drawn = server.draw(**probe_args("ui default", wish))
    assert drawn.parameters["alwayson_scripts"]["Probe"]["args"][1] is None
    assert drawn.pixels == server.draw().pixels
