"""Bodies of requests and answers. The two big requests are made from the processing classes' own fields.

Written for pydantic 1 and 2: A1111 and reForge run on the first, Forge and Neo on the second.
"""

# ruff: noqa: UP007  `Any | None` is no type in Python 3.10, and several of these types are made at run time

import inspect
import re
from typing import Any, Optional

import pydantic
from pydantic import BaseModel, Field, create_model

from modules.processing import StableDiffusionProcessingImg2Img, StableDiffusionProcessingTxt2Img
from modules.shared import opts, parser

PYDANTIC_2 = pydantic.VERSION.startswith("2")

API_NOT_ALLOWED = [
    "self",
    "kwargs",
    "sd_model",
    "outpath_samples",
    "outpath_grids",
    "sampler_index",
    "extra_generation_params",
    "overlay_images",
    "do_not_reload_embeddings",
    "seed_enable_extras",
    "prompt_for_display",
    "sampler_noise_scheduler_override",
    "ddim_discretize",
]


def _underscore(name):
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).replace("-", "_").lower()


def _annotation(text):
    """A field's type; the dataclasses' annotations are text."""
    if not isinstance(text, str):
        return text
    if text == "Image":  # pictures travel as base64
        return str
    return eval(text, {"Any": Any, "list": list, "dict": dict})


def request_model(name, processing_class, additional_fields):
    """A model with one optional field per parameter of the class, and some more (name, type, default[, hidden])."""
    fields = {}
    for cls in [x for x in inspect.getmro(processing_class) if x is not object]:
        for key, parameter in inspect.signature(cls.__init__).parameters.items():
            if key in API_NOT_ALLOWED or key in ("args",):
                continue
            default = None if isinstance(parameter.default, property) else parameter.default
            if repr(default) == "<factory>" or default is inspect.Parameter.empty:
                default = None
            fields[_underscore(key)] = (Optional[_annotation(parameter.annotation)], Field(default=default, alias=key))
    for key, kind, default, *hidden in additional_fields:
        fields[_underscore(key)] = (kind, Field(default=default, alias=key, exclude=bool(hidden)))
    if PYDANTIC_2:
        return create_model(name, __config__=pydantic.ConfigDict(populate_by_name=True, frozen=False), **fields)
    model = create_model(name, **fields)
    model.__config__.allow_population_by_field_name = True
    model.__config__.allow_mutation = True
    return model


_SHARED_FIELDS = [
    ("script_name", Optional[str], None),
    ("script_args", list, []),
    ("send_images", bool, True),
    ("save_images", bool, False),
    ("alwayson_scripts", dict, {}),
    ("force_task_id", Optional[str], None),
    ("infotext", Optional[str], None),
]

StableDiffusionTxt2ImgProcessingAPI = request_model(
    "StableDiffusionProcessingTxt2Img",
    StableDiffusionProcessingTxt2Img,
    [("sampler_index", str, "Euler"), *_SHARED_FIELDS],
)

StableDiffusionImg2ImgProcessingAPI = request_model(
    "StableDiffusionProcessingImg2Img",
    StableDiffusionProcessingImg2Img,
    [
        ("sampler_index", str, "Euler"),
        ("init_images", Optional[list], None),
        ("denoising_strength", float, 0.75),
        ("mask", Optional[str], None),
        ("include_init_images", bool, False, "hidden"),
        *_SHARED_FIELDS,
    ],
)


class _Model(BaseModel):
    """Allows field names that begin with model_."""

    if PYDANTIC_2:
        model_config = pydantic.ConfigDict(protected_namespaces=())


class TextToImageResponse(_Model):
    images: list[str] | None = Field(default=None, title="Image", description="Pictures in base64.")
    parameters: dict
    info: str


class ImageToImageResponse(TextToImageResponse):
    pass


class PNGInfoRequest(_Model):
    image: str = Field(title="Image", description="The base64 encoded PNG image")


class PNGInfoResponse(_Model):
    info: str = Field(title="Image info", description="The infotext")
    items: dict = Field(title="Items", description="The other fields of the image")
    parameters: dict = Field(title="Parameters", description="The infotext's fields")


class ProgressRequest(_Model):
    skip_current_image: bool = Field(default=False, title="Skip current image")


class ProgressResponse(_Model):
    progress: float = Field(title="Progress", description="From 0 to 1")
    eta_relative: float = Field(title="ETA in secs")
    state: dict = Field(title="State")
    current_image: str | None = Field(default=None, title="Current image")
    textinfo: str | None = Field(default=None, title="Info text")


class SamplerItem(_Model):
    name: str
    aliases: list[str]
    options: dict[str, Any]


class SchedulerItem(_Model):
    name: str
    label: str
    aliases: list[str] | None = None
    default_rho: float | None = None
    need_inner_model: bool | None = None


class UpscalerItem(_Model):
    name: str
    model_name: str | None = None
    model_path: str | None = None
    model_url: str | None = None
    scale: float | None = None


class LatentUpscalerModeItem(_Model):
    name: str


class SDModelItem(_Model):
    title: str
    model_name: str
    hash: str | None = None
    sha256: str | None = None
    filename: str
    config: str | None = None


class SDModuleItem(_Model):
    model_name: str
    filename: str


class PromptStyleItem(_Model):
    name: str
    prompt: str | None = None
    negative_prompt: str | None = None


class EmbeddingsResponse(_Model):
    loaded: dict
    skipped: dict


class MemoryResponse(_Model):
    ram: dict
    cuda: dict


class ScriptsList(_Model):
    txt2img: list | None = None
    img2img: list | None = None


class ScriptArg(_Model):
    label: str | None = Field(default=None, title="Label", description="Name of the argument in UI")
    value: Any | None = Field(default=None, title="Value", description="Default value of the argument")
    minimum: Any | None = None
    maximum: Any | None = None
    step: Any | None = None
    choices: list[str] | None = Field(default=None, title="Choices", description="Possible values")


class ScriptInfo(_Model):
    name: str | None = None
    is_alwayson: bool | None = None
    is_img2img: bool | None = None
    args: list[ScriptArg]


class ExtensionItem(_Model):
    name: str
    remote: str
    branch: str
    commit_hash: str
    version: str
    commit_date: int
    enabled: bool


def _type_of(value):
    return Any if value is None else opts.typemap.get(type(value), type(value))


OptionsModel = create_model(
    "Options",
    **{
        key: (Optional[_type_of(info.default)], Field(default=info.default, description=info.label))
        for key, info in opts.data_labels.items()
    },
)

FlagsModel = create_model(
    "Flags",
    **{
        action.dest: (Optional[_type_of(action.default)], Field(default=action.default, description=action.help))
        for action in parser._actions
        if action.dest != "help"
    },
)
