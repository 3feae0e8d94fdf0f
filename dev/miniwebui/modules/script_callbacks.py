"""Callbacks that extensions register, called in the order that metadata.ini asks for; a fault in one is logged."""

from __future__ import annotations

import dataclasses
import inspect
import os
from typing import Any

from modules import errors, extensions, shared, timer, util
from modules.profiles import PROFILE


class ImageSaveParams:
    def __init__(self, image, p, filename, pnginfo):
        self.image, self.p, self.filename, self.pnginfo = image, p, filename, pnginfo


class ExtraNoiseParams:
    def __init__(self, noise, x, xi):
        self.noise, self.x, self.xi = noise, x, xi


class CFGDenoiserParams:
    def __init__(
        self, x, image_cond, sigma, sampling_step, total_sampling_steps, text_cond, text_uncond, denoiser=None
    ):
        self.x, self.image_cond, self.sigma = x, image_cond, sigma
        self.sampling_step, self.total_sampling_steps = sampling_step, total_sampling_steps
        self.text_cond, self.text_uncond, self.denoiser = text_cond, text_uncond, denoiser


class CFGDenoisedParams:
    def __init__(self, x, sampling_step, total_sampling_steps, inner_model):
        self.x, self.inner_model = x, inner_model
        self.sampling_step, self.total_sampling_steps = sampling_step, total_sampling_steps


class AfterCFGCallbackParams:
    def __init__(self, x, sampling_step, total_sampling_steps):
        self.x, self.sampling_step, self.total_sampling_steps = x, sampling_step, total_sampling_steps


class UiTrainTabParams:
    def __init__(self, txt2img_preview_params):
        self.txt2img_preview_params = txt2img_preview_params


class ImageGridLoopParams:
    def __init__(self, imgs, cols, rows):
        self.imgs, self.cols, self.rows = imgs, cols, rows


@dataclasses.dataclass
class BeforeTokenCounterParams:
    prompt: str
    steps: int
    styles: list
    is_positive: bool = True


@dataclasses.dataclass
class ScriptCallback:
    script: str
    callback: Any
    name: str = "unnamed"


_CATEGORIES = (
    "app_started model_loaded ui_tabs ui_train_tabs ui_settings before_image_saved image_saved extra_noise "
    "cfg_denoiser cfg_denoised cfg_after_cfg before_component after_component image_grid infotext_pasted "
    "script_unloaded before_ui on_reload list_optimizers list_unets before_token_counter"
).split()

callback_map: dict[str, list[ScriptCallback]] = {f"callbacks_{name}": [] for name in _CATEGORIES}
ordered_callbacks_map: dict[str, list[ScriptCallback]] = {}


def add_callback(callbacks, fun, *, name=None, category="unknown", filename=None):
    """Append under the name EXTENSION/FILE/CATEGORY[/NAME], by which metadata.ini may order it."""
    if filename is None:
        frame = next((x for x in inspect.stack() if x.filename != __file__), None)
        filename = frame.filename if frame else "unknown file"
    extension = extensions.find_extension(filename)
    parts = [extension.canonical_name if extension else "base", os.path.basename(filename), category]
    full = "/".join(parts + ([name] if name is not None else []))
    taken = {x.name for x in callbacks}
    unique, index = full, 0
    while unique in taken:
        index += 1
        unique = f"{full}-{index}"
    callbacks.append(ScriptCallback(filename, fun, unique))


def sort_callbacks(category, unordered_callbacks, *, enable_user_sort=True):
    callbacks = list(unordered_callbacks)
    if not PROFILE.ordered_callbacks:
        return callbacks
    by_name = {x.name: x for x in callbacks}
    dependencies: dict[str, list[str]] = {name: [] for name in by_name}
    for extension in extensions.extensions:
        for order in extension.metadata.list_callback_order_instructions():
            if order.name not in by_name:
                continue
            dependencies[order.name] += [x for x in order.after if x in by_name]
            for other in order.before:
                if other in by_name:
                    dependencies[other].append(order.name)
    if any(dependencies.values()):
        callbacks = [by_name[name] for name in util.topological_sort(dependencies)]
    if enable_user_sort:
        first = getattr(shared.opts, f"prioritized_callbacks_{category}", [])
        callbacks.sort(key=lambda x: first.index(x.name) if x.name in first else len(first))
    return callbacks


def ordered_callbacks(category, unordered_callbacks=None, *, enable_user_sort=True):
    if unordered_callbacks is None:
        unordered_callbacks = callback_map.get(f"callbacks_{category}", [])
    if not enable_user_sort:
        return sort_callbacks(category, unordered_callbacks, enable_user_sort=False)
    known = ordered_callbacks_map.get(category)
    if known is None or len(known) != len(unordered_callbacks):
        known = ordered_callbacks_map[category] = sort_callbacks(category, unordered_callbacks)
    return known


def enumerate_callbacks():
    for category, callbacks in callback_map.items():
        yield category.removeprefix("callbacks_"), callbacks


def clear_callbacks():
    for callbacks in callback_map.values():
        callbacks.clear()
    ordered_callbacks_map.clear()


def remove_current_script_callbacks():
    frame = next((x for x in inspect.stack() if x.filename != __file__), None)
    remove_callbacks_of(lambda x: frame is not None and x.script == frame.filename)


def remove_callbacks_for_function(callback_func):
    remove_callbacks_of(lambda x: x.callback == callback_func)


def remove_callbacks_of(matches):
    for callbacks in callback_map.values():
        callbacks[:] = [x for x in callbacks if not matches(x)]
    ordered_callbacks_map.clear()


def _call(category, *args, **kwargs):
    """Call all of a category; the results of those that did not fail."""
    results = []
    for c in ordered_callbacks(category):
        try:
            results.append(c.callback(*args, **kwargs))
        except Exception:
            errors.report(f"Error executing callback {category}_callback for {c.script}", exc_info=True)
    return results


def app_started_callback(demo, app):
    _call("app_started", demo, app)
    timer.startup_timer.record("app_started callbacks")


def app_reload_callback():
    _call("on_reload")


def model_loaded_callback(sd_model):
    _call("model_loaded", sd_model)


def ui_tabs_callback():
    return [tab for tabs in _call("ui_tabs") for tab in tabs or []]


def ui_train_tabs_callback(params):
    _call("ui_train_tabs", params)


def ui_settings_callback():
    _call("ui_settings")


def before_image_saved_callback(params):
    _call("before_image_saved", params)


def image_saved_callback(params):
    _call("image_saved", params)


def extra_noise_callback(params):
    _call("extra_noise", params)


def cfg_denoiser_callback(params):
    _call("cfg_denoiser", params)


def cfg_denoised_callback(params):
    _call("cfg_denoised", params)


def cfg_after_cfg_callback(params):
    _call("cfg_after_cfg", params)


def before_component_callback(component, **kwargs):
    _call("before_component", component, **kwargs)


def after_component_callback(component, **kwargs):
    _call("after_component", component, **kwargs)


def image_grid_callback(params):
    _call("image_grid", params)


def infotext_pasted_callback(infotext, params):
    _call("infotext_pasted", infotext, params)


def script_unloaded_callback():
    for c in reversed(ordered_callbacks("script_unloaded")):
        try:
            c.callback()
        except Exception:
            errors.report(f"Error executing callback script_unloaded for {c.script}", exc_info=True)


def before_ui_callback():
    for c in reversed(ordered_callbacks("before_ui")):
        try:
            c.callback()
        except Exception:
            errors.report(f"Error executing callback before_ui for {c.script}", exc_info=True)


def before_token_counter_callback(params):
    _call("before_token_counter", params)


def _register(category, callback, name):
    if name is not None and not PROFILE.ordered_callbacks:
        raise TypeError(f"on_{category}() got an unexpected keyword argument 'name'")
    add_callback(callback_map[f"callbacks_{category}"], callback, name=name, category=category)


def on_app_started(callback, *, name=None):
    """callback(demo, app) once the server listens; demo is None without a page."""
    _register("app_started", callback, name)


def on_before_reload(callback, *, name=None):
    _register("on_reload", callback, name)


def on_model_loaded(callback, *, name=None):
    """callback(sd_model)"""
    _register("model_loaded", callback, name)


def on_ui_tabs(callback, *, name=None):
    """callback() -> [(blocks, title, elem_id)]"""
    _register("ui_tabs", callback, name)


def on_ui_train_tabs(callback, *, name=None):
    _register("ui_train_tabs", callback, name)


def on_ui_settings(callback, *, name=None):
    """callback() which calls `shared.opts.add_option`."""
    _register("ui_settings", callback, name)


def on_before_image_saved(callback, *, name=None):
    """callback(ImageSaveParams)"""
    _register("before_image_saved", callback, name)


def on_image_saved(callback, *, name=None):
    _register("image_saved", callback, name)


def on_extra_noise(callback, *, name=None):
    _register("extra_noise", callback, name)


def on_cfg_denoiser(callback, *, name=None):
    """callback(CFGDenoiserParams) before each evaluation"""
    _register("cfg_denoiser", callback, name)


def on_cfg_denoised(callback, *, name=None):
    _register("cfg_denoised", callback, name)


def on_cfg_after_cfg(callback, *, name=None):
    _register("cfg_after_cfg", callback, name)


def on_before_component(callback, *, name=None):
    """callback(component, **kwargs)"""
    _register("before_component", callback, name)


def on_after_component(callback, *, name=None):
    _register("after_component", callback, name)


def on_image_grid(callback, *, name=None):
    _register("image_grid", callback, name)


def on_infotext_pasted(callback, *, name=None):
    """callback(infotext, params), which may change params"""
    _register("infotext_pasted", callback, name)


def on_script_unloaded(callback, *, name=None):
    _register("script_unloaded", callback, name)


def on_before_ui(callback, *, name=None):
    """callback() before the page is built"""
    _register("before_ui", callback, name)


def on_list_optimizers(callback, *, name=None):
    _register("list_optimizers", callback, name)


def on_list_unets(callback, *, name=None):
    _register("list_unets", callback, name)


def on_before_token_counter(callback, *, name=None):
    _register("before_token_counter", callback, name)
