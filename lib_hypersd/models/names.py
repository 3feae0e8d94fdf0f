"""What a file's name says: a distillation, a step count, a 1-step UNet, nf4 weights."""

import re

_ONE_STEP_UNET = re.compile(r"1[-_ ]?steps?[-_ ]?unet", re.IGNORECASE)
_NF4 = re.compile(r"(?<![a-z])(nf4|bnb)(?![a-z])", re.IGNORECASE)

# Words that may also be in camel case ("v40LightningBakedVAE") or behind a family ("sdxlturbo"), …
_DISTILLED = re.compile(
    r"(?:(?:(?<![a-z])|(?<=sdxl)|(?<=flux))(?i:turbo|lightning|lcm|dmd2?|schnell)"
    r"|(?<=[a-z])(?:Turbo|Lightning|LCM|DMD2?|Schnell))(?:(?![a-z])|(?=v\d|dpm|vision))"
)
# … and "hyper", which counts only as a whole token: HyperRealism and hyperreal are styles.
_HYPER = re.compile(
    r"(?<![a-z])hyper(?:[-_ ]?(?:sd(?:xl|15|3)?|flux|cfg|lora|\d+[-_ ]?s(?:teps?)?))*(?![a-z])", re.IGNORECASE
)
_CAMEL_HYPER = re.compile(r"(?<=[A-Za-z])Hyper(?:SD(?:XL|15|3)?|\d+[-_ ]?[sS](?:teps?)?)?(?![A-Za-z])")
"""In a checkpoint's name: "RealVisXLHyper"."""
_STEPS = re.compile(r"(?<![a-z0-9.])(\d{1,2})[-_ ]?s(?:teps?)?(?![a-z])", re.IGNORECASE)
_STEPS_BEHIND = re.compile(r"(?:hyper|lightning|turbo|lcm)(\d{1,2})[-_ ]?s(?:teps?)?(?![a-z])", re.IGNORECASE)


def distilled_word(name: str) -> str | None:
    """The word in a checkpoint's name that says it is distilled already, in lower case, or None."""
    found = _DISTILLED.search(name)
    if found:
        return found.group(0).lower()
    return "hyper" if _HYPER.search(name) or _CAMEL_HYPER.search(name) else None


def is_one_step_unet(name: str) -> bool:
    return bool(_ONE_STEP_UNET.search(name))


def is_nf4_name(name: str) -> bool:
    return bool(_NF4.search(name))


def is_hyper_name(name: str) -> bool:
    """Whether "hyper" is a token of its own in `name` (`my-hyper-8step`), not inside HyperRealism."""
    return bool(_HYPER.search(name))


def steps_in_name(name: str) -> int | None:
    """The step count in a file name: `4step`, `8steps`, `8s`; 1–16, else None."""
    found = _STEPS.search(name) or _STEPS_BEHIND.search(name)
    steps = int(found.group(1)) if found else 0
    return steps if 1 <= steps <= 16 else None
