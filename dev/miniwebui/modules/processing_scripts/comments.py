"""Cuts comments out of prompts after the extensions' `process`, where the host does it in a script."""

from modules import script_callbacks, scripts
from modules.profiles import PROFILE
from modules.prompt_comments import comments_are_on, strip_comments

if PROFILE.comments == "script":

    class ScriptStripComments(scripts.Script):
        def title(self):
            return "Comments"

        def show(self, is_img2img):
            return scripts.AlwaysVisible

        def process(self, p, *args):
            if not comments_are_on():
                return
            lists, texts = ["all_prompts", "all_negative_prompts"], ["main_prompt", "main_negative_prompt"]
            if getattr(p, "enable_hr", False) and not PROFILE.comments_stay_in_hires_prompts:
                lists += ["all_hr_prompts", "all_hr_negative_prompts"]
                texts += ["hr_prompt", "hr_negative_prompt"]
            for name in lists:
                setattr(p, name, [strip_comments(x) for x in getattr(p, name)])
            for name in texts:
                setattr(p, name, strip_comments(getattr(p, name)))


def before_token_counter(params: script_callbacks.BeforeTokenCounterParams):
    params.prompt = strip_comments(params.prompt)


script_callbacks.on_before_token_counter(before_token_counter)
