"""The promises, grouped. Importing this package registers them in the order below."""

# ruff: noqa: I001
from . import (  # noqa: F401
    activation,
    off,
    infotext,
    once,
    values,
    preferences,
    bad_input,
    prompt_tags,
    second_pass,
    image_to_image,
    families,
    arrival,
    bypass,
    sampling,
    sampling_eta,
    sampling_recipes,
    sampling_limits,
    sampling_at_cfg_one,
    host_scripts,
    endpoints,
    access,
    traces,
)
