"""What a file's name says. The one reader of names, for checkpoints and for LoRAs.

A name is cut into tokens at separators, at case changes and between letters and digits; the tokens are looked up in
`words.py`. So the same words read the same with any separator and in any case style. What it says is a hint: a header
is evidence, and wins.
"""

from dataclasses import dataclass
from functools import lru_cache

from .name_tokens import MOST_STEPS, USUAL_STEPS, Item, items_of, number_of
from .words import AMBIGUOUS, CAMERAS, DISTILLED_BASES, PUBLISHED_STEPS, RARELY_MEANT

MAX_NAME = 300
"""Characters; no file system has longer names, and a longer one says nothing."""


@dataclass(frozen=True)
class NameReading:
    """What a name says; all of it may be wrong.

    `family` is a family's short name ("sdxl", "flux", "chroma"), None where the name says none or two. `steps` is
    1–16; `says_steps` whether it is beside the word "steps". `cfg` is whether guidance was kept (CFG-preserved).
    `distillations` are those that it claims as a checkpoint, in order; `lora` the one that it claims as a LoRA, for
    which "hyper" needs a family, a step count or CFG beside it. `one_step_unet` says whose 1-step UNet it is, ""
    where that is not said, None for none. `variant` is "inpaint", "fill", "depth", "canny", "redux", "kontext",
    "krea", "de-distilled" or None. `quantisation` is "nf4", "fp8", "q8", … or None.
    """

    family: str | None = None
    steps: int | None = None
    says_steps: bool = False
    cfg: bool = False
    distillations: tuple[str, ...] = ()
    lora: str | None = None
    one_step_unet: str | None = None
    quantisation: str | None = None
    variant: str | None = None

    @property
    def distillation(self) -> str | None:
        """The first word that says that a checkpoint is distilled already, or None."""
        return self.distillations[0] if self.distillations else None

    @property
    def distilled(self) -> str | None:
        """Why a checkpoint of this name is taken to be distilled: the word, or "8 steps"; None if it is not."""
        unnamed = f"{self.steps} step{'s' if self.steps != 1 else ''}" if self.says_steps else None
        return self.distillation or unnamed


NOTHING = NameReading()


@lru_cache(maxsize=4096)
def read_name(name: str) -> NameReading:
    """Read a file's stem, or a title. Takes under 20 µs, and is remembered."""
    if len(name) > MAX_NAME:
        return NOTHING
    items = items_of(name)
    kinds = {item.kind for item in items}
    if kinds <= {"unknown", "number", "technical", "style", "negation"}:
        steps, _ = _steps(items)
        return NameReading(steps=steps) if steps else NOTHING
    family = _family(items)
    steps, says_steps = _steps(items)
    words, as_lora = _distillations(items, says_steps=says_steps) if "distillation" in kinds else ((), None)
    predicts_x0 = any(item.text == "x 0" for item in items)  # SDXL-Lightning's alone does
    is_unet = says_steps and steps == 1 and (predicts_x0 or any(item.text == "unet" for item in items))
    return NameReading(
        family,
        steps,
        says_steps,
        "cfg" in kinds and any(_keeps_cfg(items, i) for i, item in enumerate(items) if item.kind == "cfg"),
        words,
        as_lora,
        next(iter(words), "lightning" if predicts_x0 else "") if is_unet else None,
        next((item.meaning for item in items if item.kind == "quantisation"), None)
        if "quantisation" in kinds
        else None,
        _variant(items, family) if kinds & {"variant", "family"} else None,
    )


# What they say ---------------------------------------------------------------------------------------------------

_OF_FLUX = ("chroma", "flux2", "krea2")
"""Families that people also call by FLUX's name."""
_WITH_XL = {"ssd", "playground", "mugen", "pixart"}
"""Families whose names may have an XL of their own."""


def _family(items: list[Item]) -> str | None:
    found = {item.meaning for item in items if item.kind == "family"}
    if "sdxl" in found:
        found -= {"chroma"}  # ZavyChromaXL
        if len(found) == 2 and found & _WITH_XL:
            found -= {"sdxl"}
    if len(found) > 1 and "flux" in found and any(other in found for other in _OF_FLUX):
        found -= {"flux"}
    return found.pop() if len(found) == 1 else None


_BARE_STEPS = (4, 8, 12, 16)
"""Step counts that need no word "steps" behind a distillation ("flux-hyp8"); 1 and 2 are versions as a rule."""
_SCALES = ("b", "k", "m", "d", "px", "gb", "mb")
_EPOCHS = ("epoch", "epochs", "epoc", "ep", "e")


def _steps(items: list[Item]) -> tuple[int | None, bool]:
    """The step count, and whether it is beside the word "steps"."""
    bare: int | None = None
    for i, item in enumerate(items):
        if item.kind == "unit" and i and items[i - 1].kind == "number":
            steps = number_of(items[i - 1].text)
            if 1 <= steps <= MOST_STEPS and not _is_training(items, i):
                return steps, True
        elif item.text == "s" and i and items[i - 1].kind == "number" and _text(items, i - 2) != "v":
            # "8s" alone: "hyper8s", "model-8s", not "theovercomer8sContrastFix".
            steps = number_of(items[i - 1].text)
            is_count = steps in USUAL_STEPS and (i == len(items) - 1 or any(x.kind == "distillation" for x in items))
            bare = bare or (steps if is_count else None)
        elif item.kind == "distillation" and bare is None:
            bare = _bare_steps(items, i)
    return bare or _published_steps(items), False


def _is_training(items: list[Item], unit: int) -> bool:
    """Whether "steps" counts those of a training: epoch12_step4000."""
    if _text(items, unit - 2) in _EPOCHS:
        return True
    after = items[unit + 1] if unit + 1 < len(items) else None
    is_large = after is not None and after.kind == "number" and number_of(after.text) > MOST_STEPS
    return is_large and not any(item.kind == "distillation" for item in items)


def _published_steps(items: list[Item]) -> int | None:
    """The step count of what is published for one alone, where the name leaves it out."""
    said = {item.meaning for item in items}
    return next((steps for words, steps in PUBLISHED_STEPS if said.issuperset(words)), None)


def _bare_steps(items: list[Item], at: int) -> int | None:
    """The number behind a distillation's word, its family and "lora" passed over."""
    at += 1
    while at < len(items) and (items[at].kind in ("family", "cfg", "unit") or items[at].text in ("sd", "lora", "dev")):
        at += 1
    is_number = at < len(items) and items[at].kind == "number" and items[at].text[0] != "0"  # 04 is a version
    if is_number and number_of(items[at].text) in _BARE_STEPS:
        after = items[at + 1] if at + 1 < len(items) else None
        if after is None or (after.kind != "number" and after.text not in _SCALES):
            return number_of(items[at].text)
    return None


def _text(items: list[Item], at: int) -> str:
    return items[at].text if 0 <= at < len(items) else ""


def _is_negated(items: list[Item], at: int) -> bool:
    before = items[at - 1] if at else None
    return before is not None and (before.kind == "negation" or before.text == "no")


_NOT_BESIDE = ("unknown", "style", "negation")


def _has_evidence(items: list[Item], at: int) -> bool:
    """Whether a family, CFG or a step count is beside a distillation's word, with nothing but known words between."""
    if _bare_steps(items, at) is not None or _text(items, at + 1) == "sd":
        return True
    for step in (1, -1):
        i = at + step
        while 0 <= i < len(items) and items[i].kind not in _NOT_BESIDE:
            if items[i].kind in ("family", "cfg"):
                return True
            i += step
    return False


def _distillations(items: list[Item], *, says_steps: bool) -> tuple[tuple[str, ...], str | None]:
    """The distillations that a name claims as a checkpoint, and the one that it claims as a LoRA."""
    words: dict[str, None] = {}
    as_lora = None
    for i, item in enumerate(items):
        if item.kind != "distillation" or _is_negated(items, i) or _is_style(items, i):
            continue
        proven = says_steps or _has_evidence(items, i)
        if _is_checkpoint_word(items, i, proven=proven):
            words[item.meaning] = None
        # PCM's "lcmlike" files are LCM's in use.
        if (as_lora is None or item.text == "lcmlike") and _is_lora_word(items, i, proven=proven):
            as_lora = item.meaning
    return tuple(words), as_lora


def _is_style(items: list[Item], at: int) -> bool:
    """Whether the next word makes a distillation's word a style's (HyperRealism, Hyper8K), or the one before does
    (camera flash)."""
    if items[at].meaning == "flash" and _text(items, at - 1) in CAMERAS:
        return True
    if at + 1 == len(items):
        return False
    after = items[at + 1]
    return after.kind == "style" or (after.kind == "number" and _text(items, at + 2) in _SCALES)


def _is_checkpoint_word(items: list[Item], at: int, *, proven: bool) -> bool:
    """Whether a distillation's word in a checkpoint's name means the distillation, not a style."""
    if proven or items[at].meaning in AMBIGUOUS:
        return proven
    # "HyperDimension_v1" is a style's name, "tempestByVlad_hyperV01" a distillation.
    return at > 0 or items[at].meaning != "hyper" or len(items) == 1 or items[1].kind != "unknown"


def _is_lora_word(items: list[Item], at: int, *, proven: bool) -> bool:
    """Whether a distillation's word in a LoRA's name means the distillation: most LoRAs are styles."""
    if items[at].meaning not in ("hyper", *RARELY_MEANT):
        return True
    if at and (items[at - 1].meaning, items[at].meaning) in DISTILLED_BASES:
        return False
    return proven and (at + 1 == len(items) or items[at + 1].kind != "unknown")


def _keeps_cfg(items: list[Item], at: int) -> bool:
    """ "8steps-CFG" is CFG-preserved; "cfg1", "noCFG" and "CFG free" say the opposite."""
    return not (
        _is_negated(items, at)
        or _text(items, at + 1) in ("1", "0", "free", "less")
        or _text(items, at - 1) in ("low", "small", "zero")
    )


def _variant(items: list[Item], family: str | None) -> str | None:
    """What a checkpoint was made for; all but "inpaint" are FLUX's."""
    found = [item.meaning for item in items if item.kind == "variant"]
    found += ["kontext" for item in items if item.text == "kontext"]
    if "de-distilled" in found:
        return "de-distilled"
    return next((variant for variant in found if variant == "inpaint" or family == "flux"), None)
