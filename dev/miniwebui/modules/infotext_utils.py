"""Reading infotexts, and filling the page from them.

The infotext is the prompt's lines, the negative prompt's lines after ``Negative prompt:``, and one last line
of ``name: value`` pairs. Values with a comma, a colon or a line break are JSON strings.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from modules import errors, script_callbacks, shared
from modules.paths import data_path

sys.modules["modules.generation_parameters_copypaste"] = sys.modules[__name__]  # its name before A1111 1.8

_PAIR = re.compile(r'\s*(?P<name>\w[\w /-]+):\s*(?P<value>"(?:[^"\\]|\\.)+"|[^,]*)(?:,|$)')
_SIZE = re.compile(r"(\d+)x(\d+)")
_NEGATIVE = "Negative prompt:"
_FEWEST_PAIRS = 3
"""A last line with fewer pairs is taken for a part of the prompt."""

_DEFAULTS: dict[str, Any] = {
    "Clip skip": "1",
    "Hires resize-1": 0,
    "Hires resize-2": 0,
    "Hires sampler": "Use same sampler",
    "Hires schedule type": "Use same scheduler",
    "Hires checkpoint": "Use same checkpoint",
    "Hires prompt": "",
    "Hires negative prompt": "",
    "Mask mode": "Inpaint masked",
    "Masked content": "original",
    "Inpaint area": "Whole picture",
    "Masked area padding": 32,
    "RNG": "GPU",
    "Schedule type": "Automatic",
    "Schedule max sigma": 0,
    "Schedule min sigma": 0,
    "Schedule rho": 0,
    "VAE Encoder": "Full",
    "VAE Decoder": "Full",
    "FP8 weight": "Disable",
    "Refiner switch by sampling steps": False,
}
"""What an infotext means where it does not say: the hosts leave out what stands at its default."""


class PasteField(tuple):
    """A component and the infotext name, or the function of the parsed infotext, that fills it."""

    def __new__(cls, component, target: str | Callable, *, api: str | None = None):
        return super().__new__(cls, (component, target))

    def __init__(self, component, target: str | Callable, *, api: str | None = None):
        super().__init__()
        self.api = api
        self.component = component
        self.label = target if isinstance(target, str) else None
        self.function = target if callable(target) else None


class ParamBinding:
    """A button that sends an infotext, a picture or a tab's fields to a tab."""

    def __init__(
        self,
        paste_button: gr.Button,
        tabname: str,
        source_text_component=None,
        source_image_component=None,
        source_tabname: str | None = None,
        override_settings_component=None,
        paste_field_names: list[str] | None = None,
    ):
        self.paste_button = paste_button
        self.tabname = tabname
        self.source_text_component = source_text_component
        self.source_image_component = source_image_component
        self.source_tabname = source_tabname
        self.override_settings_component = override_settings_component
        self.paste_field_names = paste_field_names or []


paste_fields: dict[str, dict] = {}
registered_param_bindings: list[ParamBinding] = []
infotext_to_setting_name_mapping: list[tuple[str, str]] = []
"""Infotext names of settings, for extensions that do not say ``OptionInfo(..., infotext=...)``."""


def reset() -> None:
    """Forget the fields and buttons of a page that is about to be built again."""
    paste_fields.clear()
    registered_param_bindings.clear()


def quote(text):
    """Write a value so that the line of pairs can be read back."""
    return json.dumps(text, ensure_ascii=False) if any(mark in str(text) for mark in ",:\n") else text


def unquote(text: str) -> str:
    """Undo ``quote``; what is no JSON string stays as it is."""
    if len(text) == 0 or text[0] != '"' or text[-1] != '"':
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def image_from_url_text(filedata) -> Image.Image | None:
    """The picture behind what a gallery or image component hands over, on either gradio version."""
    if isinstance(filedata, list):
        filedata = filedata[0] if filedata else None
    if isinstance(filedata, tuple) and len(filedata) == 2:  # gradio 4: picture and caption
        filedata = filedata[0]
    if filedata is None or isinstance(filedata, Image.Image):
        return filedata
    if isinstance(filedata, dict):
        path = Path(filedata["name"].rsplit("?", 1)[0]).resolve()
        served = os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir(), "gradio")
        if not path.is_relative_to(Path(served).resolve()):
            raise ValueError("the picture is not one that this page made")
        return Image.open(path)
    return Image.open(io.BytesIO(base64.b64decode(filedata.split("base64,")[-1])))


def add_paste_fields(tabname: str, init_img, fields, override_settings_component=None) -> None:
    """Tell which components of a tab an infotext fills."""
    fields = [field if isinstance(field, PasteField) else PasteField(*field) for field in fields or []]
    paste_fields[tabname] = {
        "init_img": init_img,
        "fields": fields,
        "override_settings_component": override_settings_component,
    }
    import modules.ui

    if tabname in ("txt2img", "img2img"):  # older extensions look there
        setattr(modules.ui, f"{tabname}_paste_fields", fields)


def create_buttons(tabs_list: list[str]) -> dict[str, gr.Button]:
    """One "Send to" button for each tab."""
    return {tab: gr.Button(f"Send to {tab}", elem_id=f"{tab}_tab") for tab in tabs_list}


def register_paste_params_button(binding: ParamBinding) -> None:
    """Remember a button; it is connected when all tabs are there."""
    registered_param_bindings.append(binding)


def bind_buttons(buttons: dict[str, gr.Button], send_image, send_generate_info) -> None:
    """The way of old extensions; new ones use ``register_paste_params_button``."""
    from_tab = isinstance(send_generate_info, str)
    for tabname, button in buttons.items():
        register_paste_params_button(
            ParamBinding(
                paste_button=button,
                tabname=tabname,
                source_text_component=None if from_tab else send_generate_info,
                source_tabname=send_generate_info if from_tab else None,
                source_image_component=send_image,
            )
        )


def connect_paste_params_buttons() -> None:
    """Connect every registered button whose tab this page has."""
    for binding in registered_param_bindings:
        if binding.tabname in paste_fields:
            _connect(binding, paste_fields[binding.tabname])


def _connect(binding: ParamBinding, target: dict) -> None:
    fields = target["fields"]
    quiet = {"show_progress": False}
    if binding.source_image_component is not None and target["init_img"] is not None:
        sizes = [field.component for label in ("Size-1", "Size-2") for field in fields if field.label == label]
        if binding.tabname == "inpaint":
            sizes = []
        from_gallery = isinstance(binding.source_image_component, gr.Gallery)
        binding.paste_button.click(
            fn=send_image_and_dimensions if sizes else send_image,
            _js="extract_image_from_gallery" if from_gallery else None,
            inputs=[binding.source_image_component],
            outputs=[target["init_img"], *sizes],
            **quiet,
        )
    if binding.source_text_component is not None:
        overrides = binding.override_settings_component or target["override_settings_component"]
        connect_paste(binding.paste_button, fields, binding.source_text_component, overrides, binding.tabname)
    if binding.source_tabname is not None:
        names = {"Prompt", "Negative prompt", "Steps", *binding.paste_field_names}
        if shared.opts.send_seed:
            names.add("Seed")
        source = paste_fields[binding.source_tabname]["fields"]
        # What fills a field may be a function, too: the same one in both tabs names the same field.
        there = {filled_by: component for component, filled_by in fields if filled_by in names}
        pairs = [(component, there[filled_by]) for component, filled_by in source if filled_by in there]
        binding.paste_button.click(
            fn=lambda *values: values[0] if len(values) == 1 else values,
            inputs=[pair[0] for pair in pairs],
            outputs=[pair[1] for pair in pairs],
            **quiet,
        )
    binding.paste_button.click(fn=None, _js=f"switch_to_{binding.tabname}", inputs=None, outputs=None, **quiet)


def send_image(filedata) -> Image.Image | None:
    """The picture, without transparency."""
    picture = image_from_url_text(filedata)
    return picture.convert("RGB") if picture is not None and picture.mode == "RGBA" else picture


def send_image_and_dimensions(filedata):
    """The picture and, if the setting says so, its size."""
    picture = send_image(filedata)
    if picture is None or not shared.opts.send_size:
        return picture, gr.update(), gr.update()
    return picture, picture.width, picture.height


def parse_generation_parameters(x: str, skip_fields: list[str] | None = None) -> dict[str, Any]:
    """Read an infotext. ``Size: 512x768`` becomes ``Size-1`` and ``Size-2``; values stay text."""
    *lines, last = x.strip().split("\n")
    pairs = list(_PAIR.finditer(last))
    if len(pairs) < _FEWEST_PAIRS:
        lines.append(last)
        pairs = []

    prompt, negative = _split_prompts(lines)
    res: dict[str, Any] = {}
    for pair in pairs:
        name, value = pair["name"], unquote(pair["value"])
        size = _SIZE.fullmatch(value) if isinstance(value, str) else None
        if size:
            res[f"{name}-1"], res[f"{name}-2"] = size.groups()
        else:
            res[name] = value

    res["Prompt"], res["Negative prompt"] = prompt, negative
    if shared.opts.infotext_styles != "Ignore":
        _take_out_styles(res)
    for name, value in _DEFAULTS.items():
        res.setdefault(name, value)

    for name in shared.opts.infotext_skip_pasting if skip_fields is None else skip_fields:
        res.pop(name, None)
    if res.get("Model") and res["Model"] in (shared.opts.sd_model_checkpoint or ""):
        del res["Model"]  # the model that is there already
    return res


def _take_out_styles(res: dict[str, Any]) -> None:
    """Name the styles whose text stands in the prompts instead; not where the hires prompts have others."""
    both = ("Prompt", "Negative prompt")
    extract = shared.prompt_styles.extract_styles_from_prompt
    found, *plain = extract(*(res[name] for name in both))
    if any(f"Hires {name.lower()}" in res for name in both):
        hires_found, *hires = extract(*(res.get(f"Hires {name.lower()}", res[name]) for name in both))
        if hires_found != found:
            return
        for name, text, hires_text in zip(both, plain, hires, strict=True):
            res[f"Hires {name.lower()}"] = "" if hires_text == text else hires_text
    res.update(zip(both, plain, strict=True))
    if shared.opts.infotext_styles == "Apply" or (shared.opts.infotext_styles == "Apply if any" and found):
        res["Styles array"] = found


def _split_prompts(lines: list[str]) -> tuple[str, str]:
    """The prompt and the negative prompt; each may have several lines."""
    parts: tuple[list[str], list[str]] = ([], [])
    part = 0
    for line in map(str.strip, lines):
        if line.startswith(_NEGATIVE):
            part = 1
            line = line[len(_NEGATIVE) :].strip()
        parts[part].append(line)
    return "\n".join(parts[0]).lstrip("\n"), "\n".join(parts[1]).lstrip("\n")


def _settings_in_infotexts() -> list[tuple[str, str]]:
    """Pairs of infotext name and setting."""
    known = [(info.infotext, key) for key, info in shared.opts.data_labels.items() if info.infotext]
    return known + infotext_to_setting_name_mapping


def create_override_settings_dict(text_pairs: list[str] | None) -> dict[str, Any]:
    """``["Clip skip: 2"]`` of the override dropdown as ``{"CLIP_stop_at_last_layers": 2}``."""
    texts = dict(pair.split(":", maxsplit=1) for pair in text_pairs or [])
    return {
        setting: shared.opts.cast_value(setting, texts[name].strip())
        for name, setting in _settings_in_infotexts()
        if name in texts
    }


def get_override_settings(params: dict[str, Any], *, skip_fields=None) -> list[tuple[str, str, Any]]:
    """The settings in which a parsed infotext differs from this host: infotext name, setting, value."""
    res = []
    for name, setting in _settings_in_infotexts():
        if name in (skip_fields or ()) or params.get(name) is None:
            continue
        if setting == "sd_model_checkpoint" and shared.opts.disable_weights_auto_swap:
            continue
        value = shared.opts.cast_value(setting, params[name])
        if value != getattr(shared.opts, setting, None):
            res.append((name, setting, value))
    return res


def _field_update(field: PasteField, params: dict[str, Any]):
    """What happens to one component when an infotext is pasted."""
    component, target = field
    if callable(target):
        try:
            value = target(params)
        except Exception:
            errors.report(f"Error filling a field by {target}", exc_info=True)
            value = None
    else:
        value = params.get(target)
    if value is None:
        return gr.update()
    if isinstance(value, dict):  # an update, spelled as the gradio version has it
        return value
    try:
        return gr.update(value=_as_type_of(component.value, value))
    except (AttributeError, TypeError, ValueError):  # a text box without a first value, on gradio 4, among them
        return gr.update()


def _as_type_of(old, value):
    """The pasted text in the type that the component's first value has."""
    kind = type(old)
    if kind is bool and value == "False":
        return False
    return float(value) if kind is int else kind(value)


def connect_paste(button, paste_fields, input_comp, override_settings_component, tabname) -> None:
    """Let a button read the infotext in ``input_comp``, or the last one made, and fill the fields."""
    fields = [field if isinstance(field, PasteField) else PasteField(*field) for field in paste_fields]
    if override_settings_component is not None:
        handled = [field.label for field in fields if field.label]
        fields.append(PasteField(override_settings_component, lambda params: _overrides(params, handled)))

    def paste(infotext: str):
        if not infotext:
            infotext = _last_infotext()
        params = parse_generation_parameters(infotext)
        script_callbacks.infotext_pasted_callback(infotext, params)
        return [_field_update(field, params) for field in fields]

    button.click(fn=paste, inputs=[input_comp], outputs=[field.component for field in fields], show_progress=False)


def _overrides(params: dict[str, Any], handled: list[str]):
    pairs = [f"{name}: {value}" for name, _, value in get_override_settings(params, skip_fields=handled)]
    return gr.update(value=pairs, choices=pairs, visible=bool(pairs))


def _last_infotext() -> str:
    try:
        return Path(data_path, "params.txt").read_text(encoding="utf8")
    except OSError:
        return ""
