"""What the Generate button of img2img does."""

from contextlib import closing

import gradio as gr
from PIL import Image

from modules import processing, scripts, ui_profile
from modules.infotext_utils import create_override_settings_dict
from modules.shared import opts
from modules.ui_common import plaintext_to_html

INPAINT_UPLOAD = 1
"""Number of the tab in which a picture and its mask are uploaded."""


def img2img(id_task: str, request: gr.Request, *args):
    """Draw over a picture; returns what the output panel shows."""
    names = ui_profile.current().img2img_fields()
    fields = dict(zip(names, args[: len(names)], strict=True))
    fields["override_settings"] = create_override_settings_dict(fields["override_settings"])
    pictures = {name: fields.pop(name) for name in ("init_img", "init_img_inpaint", "init_mask_inpaint")}
    masked = fields.pop("mode") == INPAINT_UPLOAD
    image = pictures["init_img_inpaint" if masked else "init_img"]
    if image is None:
        raise ValueError("img2img needs a picture")

    p = processing.StableDiffusionProcessingImg2Img(
        outpath_samples=opts.outdir_samples or opts.outdir_img2img_samples,
        outpath_grids=opts.outdir_grids or opts.outdir_img2img_grids,
        init_images=[image],
        mask=_black_and_white(pictures["init_mask_inpaint"]) if masked else None,
        **fields,
    )
    p.scripts = scripts.scripts_img2img
    p.script_args = args[len(names) :]
    p.user = request.username

    with closing(p):
        processed = scripts.scripts_img2img.run(p, *p.script_args) or processing.process_images(p)
    return (
        processed.images + list(getattr(processed, "extra_images", [])),
        processed.js(),
        plaintext_to_html(processed.info),
        plaintext_to_html(processed.comments, classname="comments"),
    )


def _black_and_white(mask: Image.Image | None) -> Image.Image | None:
    return mask.convert("L").point(lambda value: 255 if value > 128 else 0) if mask is not None else None
