"""What the Generate and ✨ buttons of txt2img do."""

import json
from contextlib import closing

import gradio as gr

from modules import infotext_utils, processing, scripts, ui_profile
from modules.infotext_utils import create_override_settings_dict, parse_generation_parameters
from modules.shared import opts
from modules.ui_common import plaintext_to_html

_SAME = {
    "hr_checkpoint_name": "Use same checkpoint",
    "hr_sampler_name": "Use same sampler",
    "hr_scheduler": "Use same scheduler",
}
"""Choices of the page that reach the processing object as None."""


def txt2img_create_processing(id_task: str, request: gr.Request, *args, force_enable_hr: bool = False):
    """The processing object for the page's inputs: ``args`` are the host's own, then the scripts'."""
    names = ui_profile.current().txt2img_fields()
    fields = dict(zip(names, args[: len(names)], strict=True))
    fields["override_settings"] = create_override_settings_dict(fields["override_settings"])
    fields.update({name: None for name, same in _SAME.items() if fields.get(name) == same})
    if force_enable_hr:
        fields["enable_hr"] = True

    p = processing.StableDiffusionProcessingTxt2Img(
        outpath_samples=opts.outdir_samples or opts.outdir_txt2img_samples,
        outpath_grids=opts.outdir_grids or opts.outdir_txt2img_grids,
        **fields,
    )
    p.scripts = scripts.scripts_txt2img
    p.script_args = args[len(names) :]
    p.user = request.username
    return p


def _run(p) -> processing.Processed:
    with closing(p):
        return scripts.scripts_txt2img.run(p, *p.script_args) or processing.process_images(p)


def txt2img(id_task: str, request: gr.Request, *args):
    """Draw pictures; returns what the output panel shows."""
    processed = _run(txt2img_create_processing(id_task, request, *args))
    return (
        processed.images + list(getattr(processed, "extra_images", [])),
        processed.js(),
        plaintext_to_html(processed.info),
        plaintext_to_html(processed.comments, classname="comments"),
    )


def txt2img_upscale(id_task: str, request: gr.Request, gallery, gallery_index, generation_info, *args):
    """Draw the second pass of one picture of the gallery and put it in that picture's place."""
    if not gallery or not 0 <= gallery_index < len(gallery):
        return gallery, generation_info, f"Bad image index: {gallery_index}", ""
    geninfo = json.loads(generation_info)
    infotexts = geninfo["infotexts"]
    first = geninfo.get("index_of_first_image", 0)
    if len(gallery) > 1 and not first <= gallery_index < len(infotexts):
        return gallery, generation_info, "Only a single picture can be drawn again, not a grid.", ""

    pictures = [infotext_utils.image_from_url_text(entry) for entry in gallery]
    parameters = parse_generation_parameters(infotexts[gallery_index], [])

    p = txt2img_create_processing(id_task, request, *args, force_enable_hr=True)
    p.batch_size = 1
    p.n_iter = 1
    p.txt2img_upscale = True  # how extensions tell that the first pass is there already
    p.firstpass_image = pictures[gallery_index]
    p.seed = parameters.get("Seed", -1)
    p.subseed = parameters.get("Variation seed", -1)
    p.width, p.height = p.firstpass_image.size
    p.override_settings["save_images_before_highres_fix"] = False

    processed = _run(p)
    pictures[gallery_index : gallery_index + 1] = processed.images
    infotexts[gallery_index] = processed.info
    return (
        pictures,
        json.dumps(geninfo),
        plaintext_to_html(processed.info),
        plaintext_to_html(processed.comments, classname="comments"),
    )
