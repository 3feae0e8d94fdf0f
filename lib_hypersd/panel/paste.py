"""The panel's values from a pasted infotext."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..models import recipes
from ..models.catalog import BY_NAME, FAMILY_TITLES, ONE_STEP_UNETS, Family, Variant
from ..models.kin import KIN_TITLES
from ..models.names import read_name
from ..models.recipes import Dial, Recipe
from ..plan.infotext import APPLIED, ETA, HIRES_WEIGHT, NAME, WEIGHT
from ..plan.trained_steps import on_trained_timesteps
from ..request.preferences import NO_PREFERENCES, Preferences
from ..request.prompt_tags import find_tags
from ..request.settings import PANEL_DEFAULTS, Setting, is_taken
from ..sampling.names import BOUND, TCD_ETA, method_and_schedule, schedule_in_effect, tcd_eta


def panel_value(key: str, params: Mapping[str, Any], preferences: Preferences = NO_PREFERENCES) -> Any:
    """The panel component `key`'s value for a pasted infotext, so that generating again changes nothing.

    A component keeps its default wherever the default, as `preferences` read it, would leave the pasted value alone,
    and where the text, which may be anybody's, holds none that it takes.
    """
    default, paste = getattr(PANEL_DEFAULTS, key), _PASTE.get(key)
    value = paste(_Pasted(params, preferences)) if paste and NAME in params else default
    return value if is_taken(key, value) else default


_STEPS = [str(steps) for steps in range(1, 17)]
"""What the panel's Steps takes."""
_SAME = "Use same "
"""What the hosts' parsers put where the hires pass has the first one's."""
_STOCK_RECIPE = recipes.recipe_for("sd15", "plain", recipes.DEFAULT_STEPS)
"""What most recipes sample with."""


@dataclass(frozen=True)
class _Pasted:
    """A picture's parameters, and the preferences by which it would be generated again."""

    params: Mapping[str, Any]
    preferences: Preferences

    @property
    def name(self) -> str:
        return str(self.params[NAME])

    @property
    def variant(self) -> Variant | None:
        return BY_NAME.get(self.name)

    def lora(self) -> str:
        is_unet = self.name.endswith("-Unet")
        if self._leaves_hires_checkpoint_alone() and (is_unet or self._is_hyper(self.name)):
            return "none"  # what the first pass has, the tag in the prompt says, or the checkpoint itself
        return "auto" if is_unet else self.name

    def steps(self) -> str:
        steps = str(self.params.get("Steps", ""))
        if self.variant and steps == str(self.variant.steps):
            return "auto"
        return steps if steps in _STEPS else "keep"

    def weight(self) -> str:
        # A number comes back with the tag in the prompt; without one, by itself. A tag can't hold a schedule.
        tags = [tag for tag in find_tags(str(self.params.get("Prompt", ""))) if tag.name == self.name]
        value = str(self.params.get(WEIGHT, "auto"))
        return value if "@" in value and not any(tag.varies for tag in tags) else "auto" if tags else value

    def hires_weight(self) -> str:
        # A number comes back with the tag in the hires prompt, where that is in the infotext.
        tagged = any(tag.name == self.name for tag in find_tags(str(self.params.get("Hires prompt", ""))))
        value = str(self.params.get(HIRES_WEIGHT, "auto"))
        return value if "@" in value or not tagged else "auto"

    def apply(self) -> str:
        # "auto" comes to the same here where it came to it there; elsewhere the picture needs the same way.
        return str(self.params.get(APPLIED, "auto"))

    def cfg(self) -> str:
        if self.variant is None:
            return "keep"
        dials = [self.preferences.recipe_of(self.variant).cfg]
        return self._word("cfg", self.variant.family, dials, "CFG scale", "Hires CFG Scale")

    def distilled_cfg(self) -> str:
        # The infotext does not say whether the checkpoint is nf4.
        both = [self.preferences.recipe("flux", "plain", 8, file=self.name, nf4=nf4) for nf4 in (False, True)]
        dials = [recipe.distilled_cfg for recipe in both if recipe.distilled_cfg]
        return self._word("distilled_cfg", "flux", dials, "Distilled CFG Scale", "Hires Distilled CFG Scale")

    def _word(self, key: str, family: Family, dials: Sequence[Dial], *fields: str) -> str:
        """ "clamp", the default, where what it means leaves the fields alone under each of the dials."""
        if self._has_hires_checkpoint():
            return "keep"  # that one's recipe has other dials
        pasted = [_number(self.params[name]) for name in fields if name in self.params]
        policy = self.preferences.policy(family).get(key, "clamp")
        alone = all(dial.under(policy, number) == number for dial in dials for number in pasted)
        return "clamp" if alone else "keep"

    def sampling(self) -> str:
        """ "auto" where all passes have the recipe's sampler and schedule type, which go together."""
        if self._has_hires_checkpoint():
            return "keep"  # that one's recipe may be another
        if read_name(self.name).lora in KIN_TITLES:
            return "keep"  # so may the other distillation's
        recipe = self.preferences.recipe_of(self.variant) if self.variant else _STOCK_RECIPE
        if self.name in ONE_STEP_UNETS:
            recipe = recipes.ONE_STEP_UNET
        passes = (("Sampler", "Schedule type"), ("Hires sampler", "Hires schedule type"))
        return "auto" if all(self._is_sampled_by(recipe, *keys) for keys in passes) else "keep"

    def _is_sampled_by(self, recipe: Recipe, *keys: str) -> bool:
        """Whether a pass has a recipe's sampler and schedule type, or the first pass's."""
        named, schedule = (str(self.params.get(key, _SAME)) for key in keys)
        sampler, bound = method_and_schedule(named, schedule)
        in_effect = str(schedule_in_effect(sampler, bound))
        same = sampler.startswith(_SAME), in_effect.startswith(_SAME)
        if self.params.get("Sampler") in BOUND and same == (False, True):
            return False  # without schedule types a sampler brings its own, which is another one
        return (same[0] or sampler == recipe.sampler) and (same[1] or in_effect == recipe.scheduler)

    def hires(self) -> str:
        """ "keep" where the default would turn on a hires pass that the picture does not have, or would tune one on
        another checkpoint that was left alone."""
        if self._leaves_hires_checkpoint_alone():
            return "keep"
        families = [self.variant.family] if self.variant else list(FAMILY_TITLES)
        always = any(self.preferences.policy(family).get("hires") == "always" for family in families)
        return "keep" if always and not self._has_second_pass() else PANEL_DEFAULTS.hires

    def second_pass(self) -> str:
        """ "auto" where there is no hires pass, or where it is on the trained timesteps already."""
        if not self._has_second_pass():
            return "auto"
        if self._has_hires_checkpoint():
            return "keep"  # it may have a LoRA of its own
        steps, denoise = self.steps(), _number(self.params.get("Denoising strength"))
        trained = int(steps) if steps.isdigit() else self.variant.steps if self.variant else None
        second = on_trained_timesteps(trained, denoise) if trained else None
        pasted = (_number(self.params.get("Hires steps")), denoise)
        return "auto" if second is not None and (second.steps, second.denoise) == pasted else "keep"

    def _has_second_pass(self) -> bool:
        return "Hires upscale" in self.params or "Hires resize" in self.params

    def _has_hires_checkpoint(self) -> bool:
        return not str(self.params.get("Hires checkpoint", _SAME)).startswith(_SAME)

    def _leaves_hires_checkpoint_alone(self) -> bool:
        """Whether the prompt of a hires pass on another checkpoint has no LoRA of Hyper-SD's."""
        prompt = str(self.params.get("Hires prompt") or self.params.get("Prompt", ""))
        names = {tag.name for tag in find_tags(prompt)}
        return self._has_hires_checkpoint() and self.name not in names and not any(map(self._is_hyper, names))

    @staticmethod
    def _is_hyper(name: str) -> bool:
        return name in BY_NAME or read_name(name).lora == "hyper"


def panel_eta(params: Mapping[str, Any], several: float | None) -> Setting:
    """The panel's Eta for a pasted infotext; "auto" where that is what comes by itself.

    `several` is the host's option for two or more steps, None where that is no number.
    """
    eta, steps = params.get(ETA), 1 if params.get("Steps") == "1" else 2
    if not is_taken("eta", eta) or _number(eta) == tcd_eta(steps, TCD_ETA if several is None else several):
        return PANEL_DEFAULTS.eta
    return eta  # type: ignore[return-value]


def _number(text: Any) -> float:
    """A finite number, or −1 for what is none."""
    try:
        number = float(text)
    except (TypeError, ValueError):
        return -1.0
    return number if math.isfinite(number) else -1.0


_PASTE: dict[str, Callable[[_Pasted], Any]] = {
    "enabled": lambda pasted: True,
    "lora": _Pasted.lora,
    "steps": _Pasted.steps,
    "weight": _Pasted.weight,
    "hires_weight": _Pasted.hires_weight,
    "apply": _Pasted.apply,
    "cfg": _Pasted.cfg,
    "distilled_cfg": _Pasted.distilled_cfg,
    "sampler": _Pasted.sampling,
    "scheduler": _Pasted.sampling,
    "hires": _Pasted.hires,
    "hires_steps": _Pasted.second_pass,
    "hires_denoise": _Pasted.second_pass,
}
