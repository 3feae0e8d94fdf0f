"""A person's defaults: what a setting left at its default means for a family, and values of their own for recipes.

Both come from the host's options as it keeps them, lists of words and one text, and are read leniently: what can't be
read changes nothing, and the next picture has a notice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from ..models.catalog import BY_NAME, FAMILY_TITLES, Family, Kind, Variant
from ..models.kin import Kin
from ..models.recipes import RECIPES, Recipe, recipe_for, recipe_name
from ..text import echo
from .recipe_lines import RECIPES_PLACE, Overrides, read_overrides
from .settings import Setting, Settings

# Policies ------------------------------------------------------------------------------------------------------

Policy = Mapping[str, Setting]
"""What a setting left at its default means: key → value, of the keys of `Settings`."""

_POLICIES: dict[str, Policy] = {
    "keep steps": {"steps": "keep"},
    "keep CFG": {"cfg": "keep"},
    "recipe CFG": {"cfg": "recipe"},
    "keep sampler and schedule": {"sampler": "keep", "scheduler": "keep"},
    "keep hires": {"hires": "keep"},
    "hires always": {"hires": "always"},
}
_FLUX_POLICIES: dict[str, Policy] = {
    "keep distilled CFG": {"distilled_cfg": "keep"},
    "recipe distilled CFG": {"distilled_cfg": "recipe"},
}
_DEFAULTS = Settings()


def policies_of(family: Family) -> dict[str, Policy]:
    """What can be ticked for a family: words, and what they mean."""
    return _POLICIES | _FLUX_POLICIES if family == "flux" else _POLICIES


def read_policy(family: Family, ticked: Iterable[object]) -> tuple[Policy, tuple[str, ...]]:
    """The policy of the ticked words, the first of contradictory ones; and a notice for each that does not count."""
    known, place = policies_of(family), f"Settings > Hyper-SD > {FAMILY_TITLES[family]}"
    policy: dict[str, Setting] = {}
    chosen: dict[str, str] = {}
    notices = []
    for word in map(str, ticked):
        if word not in known:
            allowed = ", ".join(known)
            notices.append(f'{place}: "{echo(word)}" is none of {allowed}; it was not used.')
            continue
        rival = next((chosen[key] for key, value in known[word].items() if policy.get(key, value) != value), None)
        if rival:
            notices.append(f'{place}: "{word}" contradicts "{rival}", which counts; untick one of them.')
            continue
        policy.update(known[word])
        chosen.update(dict.fromkeys(known[word], word))
    return policy, tuple(notices)


def with_policy(settings: Settings, policy: Policy) -> Settings:
    """`settings` with the policy's word for each key that was left at its default and not given by name."""
    words = {
        key: word
        for key, word in policy.items()
        if key not in settings.named and getattr(settings, key) == getattr(_DEFAULTS, key)
    }
    return replace(settings, **words)  # type: ignore[arg-type]


# Together ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Preferences:
    """Policies by family, and overrides of recipes."""

    policies: Mapping[Family, Policy] = field(default_factory=dict)
    overrides: Overrides = field(default_factory=Overrides)
    policy_notices: Mapping[Family, tuple[str, ...]] = field(default_factory=dict)

    @staticmethod
    def read(ticked: Mapping[Family, Iterable[object]], recipes: str) -> Preferences:
        """Preferences from what the options hold: the ticked words of each family, and the recipes' lines."""
        read = {family: read_policy(family, words) for family, words in ticked.items()}
        return Preferences(
            {family: policy for family, (policy, _) in read.items()},
            read_overrides(recipes),
            {family: notices for family, (_, notices) in read.items()},
        )

    def policy(self, family: Family | None) -> Policy:
        return self.policies.get(family, {}) if family else {}

    def settled(self, settings: Settings, family: Family | None, *, img2img: bool = False) -> Settings:
        """`settings` with the policy's word for each key that was left at its default and not given by name.

        In img2img there is no hires pass to turn on, and none was requested.
        """
        policy = {key: word for key, word in self.policy(family).items() if not (img2img and key == "hires")}
        return with_policy(settings, policy)

    def recipe(
        self,
        family: Family,
        kind: Kind,
        steps: int,
        *,
        file: str | None = None,
        nf4: bool = False,
        unified: bool = False,
    ) -> Recipe:
        """The recipe in effect; a LoRA file's own line comes before its recipe's."""
        recipe = recipe_for(family, kind, steps, nf4=nf4, unified=unified)
        name = recipe_name(family, kind, steps, nf4=nf4)
        for line in (self.overrides.recipes.get(name or ""), self.overrides.files.get(file or "")):
            recipe = line.on(recipe) if line else recipe
        return recipe

    def kin_recipe(self, kin: Kin, file: str) -> Recipe:
        """The recipe in effect of a LoRA file of another distillation."""
        line = self.overrides.files.get(file)
        return line.on(kin.recipe) if line else kin.recipe

    def recipe_of(self, variant: Variant) -> Recipe:
        """The recipe in effect of a published file."""
        v = variant
        return self.recipe(v.family, v.kind, v.steps, file=v.name, unified=v.unified)

    def notices(self, families: Iterable[Family | None], is_file: Callable[[str], bool]) -> list[str]:
        """What could not be used, for a generation on checkpoints of `families`; `is_file` knows LoRA files' names."""
        unknown = [name for name in self.overrides.files if name not in BY_NAME and not is_file(name)]
        notices = [notice for family in families if family for notice in self.policy_notices.get(family, ())]
        if self.overrides.notice:
            notices.append(self.overrides.notice)
        if unknown:
            what = f'"{echo(unknown[0])}" is no LoRA file on this machine, and no recipe'
            notices.append(f"{RECIPES_PLACE}: {what}: those are {', '.join(RECIPES)}.")
        return notices


NO_PREFERENCES = Preferences()
