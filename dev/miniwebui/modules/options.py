"""Settings: their definitions and their values.

`data` holds only what was saved or set, as in the hosts: with no config file it begins empty, and an override
of a setting that is not in it is never put back.
"""

import json
import os
from dataclasses import dataclass
from typing import ClassVar

import gradio as gr

from modules import errors
from modules.shared_cmd_options import cmd_opts


class OptionInfo:
    """One setting's definition. The little methods add HTML to its label and return self."""

    def __init__(
        self,
        default=None,
        label="",
        component=None,
        component_args=None,
        onchange=None,
        section=None,
        refresh=None,
        comment_before="",
        comment_after="",
        infotext=None,
        restrict_api=False,
        category_id=None,
    ):
        self.default = default
        self.label = label
        self.component = component
        self.component_args = component_args
        self.onchange = onchange
        self.section = section
        self.category_id = category_id
        self.refresh = refresh
        self.do_not_save = False
        self.comment_before = comment_before
        self.comment_after = comment_after
        self.infotext = infotext
        self.restrict_api = restrict_api

    def link(self, label, url):
        self.comment_before += f"[<a href='{url}' target='_blank'>{label}</a>]"
        return self

    def js(self, label, js_func):
        self.comment_before += f"[<a onclick='{js_func}(); return false'>{label}</a>]"
        return self

    def info(self, info):
        self.comment_after += f"<span class='info'>({info})</span>"
        return self

    def html(self, html):
        self.comment_after += html
        return self

    def needs_restart(self):
        return self.html(" <span class='info'>(requires restart)</span>")

    def needs_reload_ui(self):
        return self.html(" <span class='info'>(requires Reload UI)</span>")


class OptionHTML(OptionInfo):
    """Text between settings; has no value."""

    def __init__(self, text):
        super().__init__(str(text).strip(), component=lambda **kwargs: gr.HTML(elem_classes="settings-info", **kwargs))
        self.do_not_save = True


def options_section(section_identifier, options_dict):
    """Put definitions into a section: (id, title) or (id, title, category)."""
    for info in options_dict.values():
        info.section = tuple(section_identifier[:2])
        if len(section_identifier) == 3:
            info.category_id = section_identifier[2]
    return options_dict


_OWN_FIELDS = {"data_labels", "data", "restricted_opts", "typemap"}


class Options:
    """Values as attributes: `opts.samples_format`; a setting never set reads as its default."""

    typemap: ClassVar[dict[type, type]] = {int: float}

    def __init__(self, data_labels: dict[str, OptionInfo], restricted_opts):
        self.data_labels = data_labels
        self.data = {k: v.default for k, v in data_labels.items() if not v.do_not_save}
        self.restricted_opts = restricted_opts

    def __setattr__(self, key, value):
        if key in _OWN_FIELDS or self.data is None or (key not in self.data and key not in self.data_labels):
            super().__setattr__(key, value)
            return
        assert not cmd_opts.freeze_settings, "changing settings is disabled"
        info = self.data_labels.get(key)
        if info is not None and info.do_not_save:
            return
        args = info.component_args if info is not None else None
        if isinstance(args, dict) and args.get("visible", True) is False:
            raise RuntimeError(f"not possible to set '{key}' because it is restricted")
        if cmd_opts.hide_ui_dir_config and key in self.restricted_opts:
            raise RuntimeError(f"not possible to set '{key}' because it is restricted with --hide_ui_dir_config")
        self.data[key] = value

    def __getattr__(self, item):
        if item not in _OWN_FIELDS and self.data is not None:
            if item in self.data:
                return self.data[item]
            if item in self.data_labels:
                return self.data_labels[item].default
        return super().__getattribute__(item)

    def set(self, key, value, is_api=False, run_callbacks=True):
        """Change a setting and call its onchange; whether it changed. An unknown key is a KeyError."""
        old = self.data.get(key, None)
        if old == value:
            return False
        option = self.data_labels[key]
        if option.do_not_save or (is_api and option.restrict_api):
            return False
        try:
            setattr(self, key, value)
        except RuntimeError:
            return False
        if run_callbacks and option.onchange is not None:
            try:
                option.onchange()
            except Exception as e:
                errors.display(e, f"changing setting {key} to {value}")
                setattr(self, key, old)
                return False
        return True

    def get_default(self, key):
        info = self.data_labels.get(key)
        return None if info is None else info.default

    def save(self, filename):
        assert not cmd_opts.freeze_settings, "saving settings is disabled"
        with open(filename, "w", encoding="utf8") as file:
            json.dump(self.data, file, indent=4, ensure_ascii=False)

    def load(self, filename):
        """Read saved values; a missing file means none, a broken one is moved aside."""
        try:
            with open(filename, encoding="utf8") as file:
                self.data = json.load(file)
        except FileNotFoundError:
            self.data = {}
        except Exception:
            errors.report(f"Could not load settings from {filename}; it is now {filename}.broken", exc_info=True)
            os.replace(filename, f"{filename}.broken")
            self.data = {}

    def same_type(self, x, y):
        if x is None or y is None:
            return True
        return self.typemap.get(type(x), type(x)) == self.typemap.get(type(y), type(y))

    def onchange(self, key, func, call=True):
        self.data_labels[key].onchange = func
        if call:
            func()

    def dumpjson(self):
        values = {k: self.data.get(k, v.default) for k, v in self.data_labels.items()}
        values["_comments_before"] = {k: v.comment_before for k, v in self.data_labels.items()}
        values["_comments_after"] = {k: v.comment_after for k, v in self.data_labels.items()}
        sections = {}
        for item in self.data_labels.values():
            if item.section and item.section[0] is not None:
                category = categories.mapping.get(item.category_id)
                sections.setdefault("Uncategorized" if category is None else category.label, item.section[1])
        values["_categories"] = [[v, k] for k, v in sections.items()] + [["Defaults", "Other"]]
        return json.dumps(values, default=str)

    def add_option(self, key, info):
        """What extensions do in on_ui_settings: define it, and give it its default as a value."""
        self.data_labels[key] = info
        if key not in self.data and not info.do_not_save:
            self.data[key] = info.default

    def reorder(self):
        """Settings of one section together, sections of one category together."""
        category_of = {}
        for item in self.data_labels.values():
            category_of.setdefault(item.section, item.category_id)
        for item in self.data_labels.values():
            item.category_id = category_of[item.section]
        order = {name: i for i, name in enumerate(categories.mapping)}

        def key(entry):
            item = entry[1]
            return order.get(item.category_id, len(order)), (item.section or ("", ""))[1] or ""

        self.data_labels = dict(sorted(self.data_labels.items(), key=key))

    def cast_value(self, key, value):
        """A value of any type as this setting's own type: cast_value("CLIP_stop_at_last_layers", "2") -> 2."""
        if value is None:
            return None
        default = self.data_labels[key].default
        if default is None:
            default = getattr(self, key, None)
        if default is None:
            return None
        return False if isinstance(default, bool) and value == "False" else type(default)(value)


@dataclass
class OptionsCategory:
    id: str
    label: str


class OptionsCategories:
    def __init__(self):
        self.mapping: dict[str, OptionsCategory] = {}

    def register_category(self, category_id, label):
        self.mapping.setdefault(category_id, OptionsCategory(category_id, label))


categories = OptionsCategories()
