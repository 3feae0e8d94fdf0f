"""The page of miniwebui itself, with no extension, on gradio 4 (forge) and gradio 3 (a1111)."""

from __future__ import annotations

import pytest

PROFILES = ["forge", "a1111"]
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("profile", PROFILES)]

INFOTEXT = """a small yellow star at the top, purple background
Negative prompt: blur
Steps: 6, Sampler: Euler a, Schedule type: SGM Uniform, CFG scale: 2.5, Seed: 5, Size: 128x192, \
Denoising strength: 0.4, Clip skip: 2, Hires upscale: 1.5, Hires upscaler: Latent"""


@pytest.fixture
def page(webuis, open_page, profile):
    for each in PROFILES:  # both start while the first one's tests run
        webuis.start(each, "--without-extension")
    return open_page(profile, "--without-extension")


def test_generate_shows_the_picture_and_the_second_pass_replaces_it(page):
    page.set("txt2img_prompt", "a large red circle on the left, blue background")
    page.set("txt2img_steps", "4")
    [(_, width, height)] = page.generate()
    assert (width, height) == (128, 128)
    page.wait(lambda: "Steps: 4" in page.text("html_info_txt2img"), "the infotext")
    assert "a large red circle on the left" in page.text("html_info_txt2img")
    assert "Time taken" in page.text("html_log_txt2img")

    [(_, width, height)] = page.generate(button="upscale")
    assert (width, height) == (256, 256)
    page.wait(lambda: "Hires upscale: 2" in page.text("html_info_txt2img"), "the second pass's infotext")


def test_paste_fills_the_fields(page):
    page.paste(INFOTEXT, done=lambda: page.value("txt2img_steps") == "6")
    fields = {
        "txt2img_prompt": "a small yellow star at the top, purple background",
        "txt2img_neg_prompt": "blur",
        "txt2img_sampling": "Euler a",
        "txt2img_scheduler": "SGM Uniform",
        "txt2img_cfg_scale": "2.5",
        "txt2img_seed": "5",
        "txt2img_width": "128",
        "txt2img_height": "192",
        "txt2img_hr_scale": "1.5",
        "txt2img_denoising_strength": "0.4",
    }
    assert {elem_id: page.value(elem_id) for elem_id in fields} == fields
    assert page.checked("txt2img_hr-checkbox")
    assert "Clip skip: 2" in page.text("txt2img_override_settings")


def test_accordion_is_on_when_its_checkbox_is(page):
    assert not page.checked("txt2img_hr-checkbox")
    page.click("txt2img_hr-visible-checkbox")
    page.wait(lambda: page.checked("txt2img_hr-checkbox"), "the hidden checkbox")
    page.wait(lambda: "256x256" in page.text("txtimg_hr_finalres"), "the size after the second pass")
    page.click("txt2img_hr-visible-checkbox")
    page.wait(lambda: not page.checked("txt2img_hr-checkbox"), "the hidden checkbox")


def test_send_to_img2img_brings_picture_and_prompt(page):
    page.set("txt2img_prompt", "a green square")
    page.set("txt2img_steps", "2")
    page.generate()
    page.click("txt2img_send_to_img2img")
    page.wait(lambda: page.value("img2img_prompt") == "a green square", "the prompt")
    sent = "return document.querySelector('#img2img_image img')?.naturalWidth"
    page.wait(lambda: page.driver.execute_script(sent) == 128, "the picture")
    page.generate("img2img")
    page.wait(lambda: "a green square" in page.text("html_info_img2img"), "the infotext")
