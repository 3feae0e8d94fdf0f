"""What an extension subclasses: Script, and the little objects that its hooks are given."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from modules.profiles import PROFILE

AlwaysVisible = object()


class MaskBlendArgs:
    def __init__(self, current_latent, nmask, init_latent, mask, blended_latent, denoiser=None, sigma=None):
        self.current_latent, self.nmask, self.init_latent, self.mask = current_latent, nmask, init_latent, mask
        self.blended_latent = blended_latent
        self.denoiser, self.sigma = denoiser, sigma
        self.is_final_blend = denoiser is None


class PostSampleArgs:
    def __init__(self, samples):
        self.samples = samples


class PostprocessImageArgs:
    def __init__(self, image, index=None):
        self.image = image
        if PROFILE.image_args_have_index:
            self.index = index


class PostProcessMaskOverlayArgs:
    def __init__(self, index, mask_for_overlay, overlay_image):
        self.index, self.mask_for_overlay, self.overlay_image = index, mask_for_overlay, overlay_image


class PostprocessBatchListArgs:
    def __init__(self, images):
        self.images = images


@dataclass
class OnComponent:
    component: Any


class Script:
    """A script. `args` of the hooks are the values of the components that `ui` returned."""

    name = None
    section = None
    filename = None
    args_from = None
    args_to = None
    alwayson = False
    is_txt2img = False
    is_img2img = False
    tabname = None
    group = None
    create_group = True
    infotext_fields = None
    """[(component, name or function)] by which pasting an infotext fills components"""
    paste_field_names = None
    api_info = None
    on_before_component_elem_id = None
    on_after_component_elem_id = None
    setup_for_ui_only = False
    controls = None
    sorting_priority = 0

    def title(self):
        raise NotImplementedError()

    def ui(self, is_img2img):
        """Create the components; return those whose values the hooks get."""

    def show(self, is_img2img):
        """False: nowhere; True: in the dropdown; AlwaysVisible: always on."""
        return True

    def run(self, p, *args):
        """A selected script's whole work; returns a Processed."""

    def setup(self, p, *args):
        """When p gets its scripts and their arguments."""

    def before_process(self, p, *args):
        """Before overrides are applied and the model is loaded."""

    def process(self, p, *args):
        """The model and all_prompts are there; nothing is parsed or drawn yet."""

    def before_process_batch(self, p, *args, **kwargs):
        """Before extra networks are parsed; kwargs: batch_number, prompts, seeds, subseeds."""

    def after_extra_networks_activate(self, p, *args, **kwargs):
        """kwargs as before, and extra_network_data."""

    def process_before_every_sampling(self, p, *args, **kwargs):
        """kwargs: x, noise, c, uc."""

    def process_batch(self, p, *args, **kwargs):
        """Extra networks are active and their tags gone from p.prompts."""

    def postprocess_batch(self, p, *args, **kwargs):
        """kwargs: images [n,3,h,w] in 0..1, batch_number."""

    def postprocess_batch_list(self, p, pp, *args, **kwargs):
        """pp.images is a list of [3,h,w] that may be changed."""

    def on_mask_blend(self, p, mba, *args):
        """Inpainting, at each step and once at the end."""

    def post_sample(self, p, ps, *args):
        """Latents before they are decoded."""

    def postprocess_image(self, p, pp, *args):
        """Each picture."""

    def postprocess_maskoverlay(self, p, ppmo, *args):
        """Each picture's mask and overlay."""

    def postprocess_image_after_composite(self, p, pp, *args):
        """Each picture after the inpainting overlay."""

    def postprocess(self, p, processed, *args):
        """At the end; not after an exception."""

    def before_component(self, component, **kwargs):
        """Before any component of the page is made."""

    def after_component(self, component, **kwargs):
        """After any component of the page was made."""

    def before_hr(self, p, *args):
        """Before the hires pass."""

    if PROFILE.init_images_hook:

        def before_process_init_images(self, p, pp, *args, **kwargs):
            """img2img, before the init images are prepared; pp: crop_region, image_mask."""

    def on_before_component(self, callback, *, elem_id):
        """callback(OnComponent) before the component of this id; to be called in show()."""
        self.on_before_component_elem_id = self.on_before_component_elem_id or []
        self.on_before_component_elem_id.append((elem_id, callback))

    def on_after_component(self, callback, *, elem_id):
        self.on_after_component_elem_id = self.on_after_component_elem_id or []
        self.on_after_component_elem_id.append((elem_id, callback))

    def describe(self):
        return ""

    def elem_id(self, item_id):
        """A DOM id made of the tab, the title and item_id."""
        title = re.sub(r"[^a-z_0-9]", "", re.sub(r"\s", "_", self.title().lower()))
        return f"script_{self._tab_prefix()}{title}_{item_id}"

    def _tab_prefix(self):
        if self.show(True) != self.show(False):
            return ""
        return "img2img_" if self.is_img2img else "txt2img_"


class ScriptBuiltinUI(Script):
    """A part of the page itself that is written as a script."""

    setup_for_ui_only = True

    def elem_id(self, item_id):
        return f"{self._tab_prefix()}{item_id}"

    def show(self, is_img2img):
        return AlwaysVisible
