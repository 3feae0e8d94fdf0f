"""A1111's hook into the model's code. Here only what extensions reach through it: comments and notes."""

from modules import shared


class StableDiffusionModelHijack:
    @property
    def comments(self):
        """Shown under the picture; renewed with each run."""
        return shared.sd_model.comments

    @property
    def extra_generation_params(self):
        """Added to the infotext."""
        return shared.sd_model.extra_generation_params


model_hijack = StableDiffusionModelHijack()
