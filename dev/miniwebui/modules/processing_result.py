"""What a run gives back."""

from __future__ import annotations

import json

import numpy as np
from PIL import Image

from modules.processing_infotext import create_infotext, program_version
from modules.shared import opts, state


def _first(value):
    return value[0] if isinstance(value, list) else value


class Processed:
    def __init__(
        self,
        p,
        images_list,
        seed=-1,
        info="",
        subseed=None,
        all_prompts=None,
        all_negative_prompts=None,
        all_seeds=None,
        all_subseeds=None,
        index_of_first_image=0,
        infotexts=None,
        comments="",
        extra_images_list=(),
    ):
        self.images = images_list
        self.extra_images = list(extra_images_list)
        self.prompt = _first(p.prompt)
        self.negative_prompt = _first(p.negative_prompt)
        self.seed = int(_first(seed)) if seed is not None else -1
        self.subseed = int(_first(subseed)) if subseed is not None else -1
        self.info = info
        self.comments = "".join(f"{comment}\n" for comment in p.comments)
        for name in (
            "subseed_strength width height sampler_name cfg_scale steps batch_size restore_faces sd_model_name "
            "sd_model_hash sd_vae_name sd_vae_hash seed_resize_from_w seed_resize_from_h denoising_strength "
            "extra_generation_params styles token_merging_ratio token_merging_ratio_hr eta ddim_discretize s_churn "
            "s_tmin s_tmax s_noise s_min_uncond sampler_noise_scheduler_override is_using_inpainting_conditioning"
        ).split():
            setattr(self, name, getattr(p, name))
        self.image_cfg_scale = getattr(p, "image_cfg_scale", None)
        self.face_restoration_model = opts.face_restoration_model if p.restore_faces else None
        self.index_of_first_image = index_of_first_image
        self.job_timestamp = state.job_timestamp
        self.clip_skip = int(opts.CLIP_stop_at_last_layers)
        self.all_prompts = all_prompts or p.all_prompts or [self.prompt]
        self.all_negative_prompts = all_negative_prompts or p.all_negative_prompts or [self.negative_prompt]
        self.all_seeds = all_seeds or p.all_seeds or [self.seed]
        self.all_subseeds = all_subseeds or p.all_subseeds or [self.subseed]
        self.infotexts = infotexts or [info] * len(images_list)
        self.version = program_version()

    def js(self):
        """The JSON of the API's `info` and of the page's hidden field."""
        names = (
            "prompt all_prompts negative_prompt all_negative_prompts seed all_seeds subseed all_subseeds "
            "subseed_strength width height sampler_name cfg_scale steps batch_size restore_faces "
            "face_restoration_model sd_model_name sd_model_hash sd_vae_name sd_vae_hash seed_resize_from_w "
            "seed_resize_from_h denoising_strength extra_generation_params index_of_first_image infotexts styles "
            "job_timestamp clip_skip is_using_inpainting_conditioning version"
        ).split()
        values = {name: getattr(self, name) for name in names}
        values["prompt"], values["negative_prompt"] = self.all_prompts[0], self.all_negative_prompts[0]
        return json.dumps(values, default=lambda o: None)

    def infotext(self, p, index):
        return create_infotext(
            p,
            self.all_prompts,
            self.all_seeds,
            self.all_subseeds,
            comments=[],
            position_in_batch=index % self.batch_size,
            iteration=index // self.batch_size,
        )

    def get_token_merging_ratio(self, for_hr=False):
        return self.token_merging_ratio_hr if for_hr else self.token_merging_ratio


def process_extra_images(processed: Processed):
    """Arrays among the extra images to pictures; what is neither is dropped."""
    pictures = (Image.fromarray(x) if isinstance(x, np.ndarray) else x for x in processed.extra_images)
    processed.extra_images = [x for x in pictures if isinstance(x, Image.Image)]
