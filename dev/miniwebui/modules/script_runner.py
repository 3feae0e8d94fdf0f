"""Runs the scripts' hooks. A fault in a hook is logged and the picture drawn without it."""

from __future__ import annotations

import os

import gradio as gr

from modules import errors, script_callbacks, script_loading, scripts, shared
from modules.profiles import PROFILE
from modules.script_base import AlwaysVisible, OnComponent, Script


class ScriptRunner:
    """The scripts of one tab. `inputs` are all their components; index 0 is the dropdown."""

    def __init__(self):
        self.scripts = []
        self.selectable_scripts = []
        self.alwayson_scripts = []
        self.titles = []
        self.title_map = {}
        self.infotext_fields = []
        self.paste_field_names = []
        self.inputs = [None]
        self.callback_map = {}
        self.on_before_component_elem_id = {}
        self.on_after_component_elem_id = {}

    def initialize_scripts(self, is_img2img):
        for group in (self.scripts, self.alwayson_scripts, self.selectable_scripts):
            group.clear()
        for data in scripts.scripts_data:
            try:
                script = data.script_class()
            except Exception:
                errors.report(f"Error # failed to initialize Script {data.module}: ", exc_info=True)
                continue
            script.filename = data.path
            script.is_txt2img, script.is_img2img = not is_img2img, is_img2img
            script.tabname = "img2img" if is_img2img else "txt2img"
            visibility = script.show(is_img2img)
            if visibility == AlwaysVisible:
                script.alwayson = True
                self.alwayson_scripts.append(script)
            elif visibility:
                self.selectable_scripts.append(script)
            else:
                continue
            self.scripts.append(script)
        self.callback_map.clear()
        self.apply_on_before_component_callbacks()

    def apply_on_before_component_callbacks(self):
        for script in self.scripts:
            for wanted, known in (
                (script.on_before_component_elem_id or [], self.on_before_component_elem_id),
                (script.on_after_component_elem_id or [], self.on_after_component_elem_id),
            ):
                for elem_id, callback in wanted:
                    known.setdefault(elem_id, []).append((callback, script))
                wanted.clear()

    def create_script_ui(self, script):
        script.args_from = script.args_to = len(self.inputs)
        try:
            self.create_script_ui_inner(script)
        except Exception:
            errors.report(f"Error creating UI for {script.name}: ", exc_info=True)

    def create_script_ui_inner(self, script):
        controls = scripts.wrap_call(script.ui, script.filename, "ui", script.is_img2img)
        script.controls = controls
        if controls is None:
            return
        title = scripts.wrap_call(script.title, script.filename, "title", default=script.filename)
        script.name = title.lower()
        for control in controls:
            control.custom_script_source = os.path.basename(script.filename)
        script.api_info = _script_info(script)
        self.infotext_fields += script.infotext_fields or []
        self.paste_field_names += script.paste_field_names or []
        self.inputs += controls
        script.args_to = len(self.inputs)

    def setup_ui_for_section(self, section, scriptlist=None):
        if scriptlist is None:
            scriptlist = self.alwayson_scripts
        if PROFILE.sorted_ui_scripts:
            scriptlist = sorted(scriptlist, key=lambda x: x.sorting_priority)
        for script in scriptlist:
            if script.alwayson and script.section != section:
                continue
            if script.create_group:
                with gr.Group(visible=script.alwayson) as group:
                    self.create_script_ui(script)
                script.group = group
            else:
                self.create_script_ui(script)

    def prepare_ui(self):
        self.inputs = [None]

    def setup_ui(self):
        """Always-on scripts without a section, then the dropdown and the selectable ones; returns all inputs."""
        titles = [scripts.wrap_call(x.title, x.filename, "title") or x.filename for x in self.scripts]
        self.title_map = {title.lower(): script for title, script in zip(titles, self.scripts, strict=True)}
        self.titles = [
            scripts.wrap_call(x.title, x.filename, "title") or f"{x.filename} [error]" for x in self.selectable_scripts
        ]
        self.setup_ui_for_section(None)
        dropdown = gr.Dropdown(
            label="Script", elem_id="script_list", choices=["None", *self.titles], value="None", type="index"
        )
        self.inputs[0] = dropdown
        self.setup_ui_for_section(None, self.selectable_scripts)

        def select_script(index):
            chosen = self.selectable_scripts[index - 1] if index else None
            return [gr.update(visible=chosen == x) for x in self.selectable_scripts]

        def init_field(title):
            if title != "None":
                self.selectable_scripts[self.titles.index(title)].group.visible = True

        dropdown.init_field = init_field
        if self.selectable_scripts:
            dropdown.change(fn=select_script, inputs=[dropdown], outputs=[x.group for x in self.selectable_scripts])

        def visibility_of(title):
            return lambda params: gr.update(visible=params.get("Script") == title)

        self.infotext_fields.append((dropdown, lambda x: gr.update(value=x.get("Script", "None"))))
        self.infotext_fields.extend(
            (x.group, visibility_of(title)) for x, title in zip(self.selectable_scripts, self.titles, strict=True)
        )
        self.apply_on_before_component_callbacks()
        return self.inputs

    def run(self, p, *args):
        """The selected script's result, or None when none is selected."""
        index = args[0]
        if not index:
            return None
        script = self.selectable_scripts[index - 1]
        processed = script.run(p, *args[script.args_from : script.args_to])
        shared.total_tqdm.clear()
        return processed

    def list_scripts_for_method(self, method_name):
        return self.scripts if method_name in ("before_component", "after_component") else self.alwayson_scripts

    def create_ordered_callbacks_list(self, method_name, *, enable_user_sort=True):
        category, callbacks = f"script_{method_name}", []
        for script in self.list_scripts_for_method(method_name):
            if getattr(script.__class__, method_name, None) != getattr(Script, method_name, None):
                script_callbacks.add_callback(
                    callbacks, script, category=category, name=script.__class__.__name__, filename=script.filename
                )
        return script_callbacks.sort_callbacks(category, callbacks, enable_user_sort=enable_user_sort)

    def ordered_callbacks(self, method_name, *, enable_user_sort=True):
        category, count = f"script_{method_name}", len(self.list_scripts_for_method(method_name))
        known_count, callbacks = self.callback_map.get(category, (-1, None))
        if callbacks is None or known_count != count:
            callbacks = self.create_ordered_callbacks_list(method_name, enable_user_sort=enable_user_sort)
            self.callback_map[category] = count, callbacks
        return callbacks

    def ordered_scripts(self, method_name):
        return [x.callback for x in self.ordered_callbacks(method_name)]

    def _run(self, method_name, p, *before, who=None, **kwargs):
        """method(p, *before, *the script's arguments, **kwargs) of each script that has it."""
        for script in self.ordered_scripts(method_name) if who is None else who:
            try:
                args = p.script_args[script.args_from : script.args_to]
                getattr(script, method_name)(p, *before, *args, **kwargs)
            except Exception:
                errors.report(f"Error running {method_name}: {script.filename}", exc_info=True)

    def setup_scrips(self, p, *, is_ui=True):  # the hosts' spelling
        who = [x for x in self.ordered_scripts("setup") if is_ui or not x.setup_for_ui_only]
        self._run("setup", p, who=who)

    def before_process(self, p):
        self._run("before_process", p)

    def process(self, p):
        self._run("process", p)

    def process_before_every_sampling(self, p, **kwargs):
        who = None if PROFILE.ordered_sampling_hook else self.alwayson_scripts
        self._run("process_before_every_sampling", p, who=who, **kwargs)

    def before_process_batch(self, p, **kwargs):
        self._run("before_process_batch", p, **kwargs)

    def before_process_init_images(self, p, pp, **kwargs):
        self._run("before_process_init_images", p, pp, **kwargs)

    def after_extra_networks_activate(self, p, **kwargs):
        self._run("after_extra_networks_activate", p, **kwargs)

    def process_batch(self, p, **kwargs):
        self._run("process_batch", p, **kwargs)

    def postprocess(self, p, processed):
        self._run("postprocess", p, processed)

    def postprocess_batch(self, p, images, **kwargs):
        self._run("postprocess_batch", p, images=images, **kwargs)

    def postprocess_batch_list(self, p, pp, **kwargs):
        self._run("postprocess_batch_list", p, pp, **kwargs)

    def post_sample(self, p, ps):
        self._run("post_sample", p, ps)

    def on_mask_blend(self, p, mba):
        self._run("on_mask_blend", p, mba)

    def postprocess_image(self, p, pp):
        self._run("postprocess_image", p, pp)

    def postprocess_maskoverlay(self, p, ppmo):
        self._run("postprocess_maskoverlay", p, ppmo)

    def postprocess_image_after_composite(self, p, pp):
        self._run("postprocess_image_after_composite", p, pp)

    def before_hr(self, p):
        self._run("before_hr", p)

    def _component(self, method_name, by_id, elem_id, component, kwargs):
        for callback, script in by_id.get(elem_id, []):
            try:
                callback(OnComponent(component=component))
            except Exception:
                errors.report(f"Error running on_{method_name}: {script.filename}", exc_info=True)
        for script in self.ordered_scripts(method_name):
            try:
                getattr(script, method_name)(component, **kwargs)
            except Exception:
                errors.report(f"Error running {method_name}: {script.filename}", exc_info=True)

    def before_component(self, component, **kwargs):
        self._component("before_component", self.on_before_component_elem_id, kwargs.get("elem_id"), component, kwargs)

    def after_component(self, component, **kwargs):
        self._component("after_component", self.on_after_component_elem_id, component.elem_id, component, kwargs)

    def script(self, title):
        return self.title_map.get(title.lower())

    def reload_sources(self, cache):
        for index, old in enumerate(list(self.scripts)):
            module = cache.get(old.filename)
            if module is None:
                module = cache[old.filename] = script_loading.load_module(old.filename)
            for value in module.__dict__.values():
                if type(value) is type and issubclass(value, Script):
                    new = self.scripts[index] = value()
                    new.filename, new.args_from, new.args_to = old.filename, old.args_from, old.args_to

    def set_named_arg(self, args, script_name, arg_elem_id, value, fuzzy=False):
        """`args` with the argument of the component of that id replaced; RuntimeError if there is none."""
        script = next((x for x in self.scripts if x.name == script_name), None)
        if script is None:
            raise RuntimeError(f"script {script_name} not found")
        for i, control in enumerate(script.controls):
            if arg_elem_id in control.elem_id if fuzzy else arg_elem_id == control.elem_id:
                changed = list(args)
                changed[script.args_from + i] = value
                return type(args)(changed)
        raise RuntimeError(f"arg_elem_id {arg_elem_id} not found in script {script_name}")


def _script_info(script):
    """What /sdapi/v1/script-info tells of a script."""
    from modules.api import models

    args = []
    for control in script.controls:
        info = models.ScriptArg(label=control.label or "")
        for field in ("value", "minimum", "maximum", "step"):
            value = getattr(control, field, None)
            if value is not None:
                setattr(info, field, value)
        choices = getattr(control, "choices", None)
        if choices is not None:
            info.choices = [str(x[0] if isinstance(x, tuple) else x) for x in choices]
        args.append(info)
    return models.ScriptInfo(name=script.name, is_img2img=script.is_img2img, is_alwayson=script.alwayson, args=args)
