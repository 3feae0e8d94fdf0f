"""X/Y/Z plot: the same picture with up to three settings changed, as a labelled sheet.

`axis_options` is where extensions add axes; an axis changes a copy of p before anything is drawn.
"""

import csv
import random
import re
from collections import namedtuple
from copy import copy
from io import StringIO
from itertools import permutations, product

import gradio as gr
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from modules import bound_samplers, errors, images, processing, scripts, sd_models, sd_samplers, shared
from modules.processing import Processed, process_images
from modules.profiles import PROFILE
from modules.shared import opts, state

AxisInfo = namedtuple("AxisInfo", ["axis", "values"])


def apply_field(field):
    def fun(p, x, xs):
        setattr(p, field, x)

    return fun


def apply_override(field, boolean=False):
    def fun(p, x, xs):
        p.override_settings[field] = x.lower() == "true" if boolean else x

    return fun


def apply_prompt(p, x, xs):
    if xs[0] not in p.prompt and xs[0] not in p.negative_prompt:
        raise RuntimeError(f"Prompt S/R did not find {xs[0]} in prompt or negative prompt.")
    p.prompt = p.prompt.replace(xs[0], x)
    p.negative_prompt = p.negative_prompt.replace(xs[0], x)


def apply_order(p, x, xs):
    """The tokens of x, wherever they stand, in the order of x."""
    places = sorted((p.prompt.find(token), token) for token in x)
    result, end = "", 0
    for (start, token), new in zip(places, x, strict=True):
        result += p.prompt[end:start] + new
        end = start + len(token)
    p.prompt = result + p.prompt[end:]


def apply_checkpoint(p, x, xs):
    info = sd_models.get_closet_checkpoint_match(x)
    if info is None:
        raise RuntimeError(f"Unknown checkpoint: {x}")
    p.override_settings["sd_model_checkpoint"] = info.name


def apply_styles(p, x, xs):
    p.styles.extend(x.split(","))


def apply_size(p, x, xs):
    width, _, height = x.lower().partition("x")
    p.width, p.height = int(width), int(height)


def do_nothing(p, x, xs):
    pass


def confirm_samplers(p, xs):
    for x in xs:
        if x.lower() not in sd_samplers.samplers_map:
            raise RuntimeError(f"Unknown sampler: {x}")


def confirm_checkpoints(p, xs):
    for x in xs:
        if sd_models.get_closet_checkpoint_match(x) is None:
            raise RuntimeError(f"Unknown checkpoint: {x}")


def format_value_add_label(p, opt, x):
    return f"{opt.label}: {round(x, 8) if isinstance(x, float) else x}"


def format_value(p, opt, x):
    return round(x, 8) if isinstance(x, float) else x


def format_value_join_list(p, opt, x):
    return ", ".join(x)


def format_nothing(p, opt, x):
    return ""


def format_remove_path(p, opt, x):
    return re.split(r"[/\\]", x)[-1]


def str_permutations(x):
    """As an option's type: all orders of the values."""
    return x


def csv_string_to_list_strip(text):
    return [x.strip() for row in csv.reader(StringIO(text), skipinitialspace=True) for x in row]


def list_to_csv_string(values):
    with StringIO() as output:
        csv.writer(output).writerow(values)
        return output.getvalue().strip()


class AxisOption:
    def __init__(
        self,
        label,
        type,
        apply,
        format_value=format_value_add_label,
        confirm=None,
        cost=0.0,
        choices=None,
        prepare=None,
    ):
        self.label, self.type, self.apply = label, type, apply
        self.format_value, self.confirm, self.cost = format_value, confirm, cost
        self.prepare, self.choices = prepare, choices


class AxisOptionImg2Img(AxisOption):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.is_img2img = True


class AxisOptionTxt2Img(AxisOption):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.is_img2img = False


if PROFILE.schedule_types:
    from modules import sd_schedulers

    apply_schedule = apply_field("scheduler")

    def _schedules():
        return [x.label for x in sd_schedulers.schedulers]

else:
    apply_schedule = apply_override(bound_samplers.SCHEDULE_OPTION)

    def _schedules():
        return list(bound_samplers.SCHEDULES)


def _samplers():
    return [x.name for x in sd_samplers.samplers if x.name not in opts.hide_samplers]


def _upscalers():
    return [*shared.latent_upscale_modes, *(x.name for x in shared.sd_upscalers)]


axis_options = [
    AxisOption("Nothing", str, do_nothing, format_value=format_nothing),
    AxisOption("Seed", int, apply_field("seed")),
    AxisOption("Var. seed", int, apply_field("subseed")),
    AxisOption("Var. strength", float, apply_field("subseed_strength")),
    AxisOption("Steps", int, apply_field("steps")),
    AxisOptionTxt2Img("Hires steps", int, apply_field("hr_second_pass_steps")),
    AxisOption("CFG Scale", float, apply_field("cfg_scale")),
    *([AxisOption("Distilled CFG Scale", float, apply_field("distilled_cfg_scale"))] if PROFILE.distilled_cfg else []),
    AxisOption("Prompt S/R", str, apply_prompt, format_value=format_value),
    AxisOption("Prompt order", str_permutations, apply_order, format_value=format_value_join_list),
    AxisOptionTxt2Img(
        "Sampler",
        str,
        apply_field("sampler_name"),
        format_value=format_value,
        confirm=confirm_samplers,
        choices=_samplers,
    ),
    AxisOptionTxt2Img(
        "Hires sampler", str, apply_field("hr_sampler_name"), confirm=confirm_samplers, choices=_samplers
    ),
    AxisOptionImg2Img(
        "Sampler",
        str,
        apply_field("sampler_name"),
        format_value=format_value,
        confirm=confirm_samplers,
        choices=_samplers,
    ),
    AxisOption(
        "Checkpoint name",
        str,
        apply_checkpoint,
        format_value=format_remove_path,
        confirm=confirm_checkpoints,
        cost=1.0,
        choices=lambda: sorted(sd_models.checkpoints_list, key=str.casefold),
    ),
    AxisOption("Negative Guidance minimum sigma", float, apply_field("s_min_uncond")),
    AxisOption("Schedule type", str, apply_schedule, choices=_schedules),
    AxisOption("Eta", float, apply_field("eta")),
    AxisOption("Clip skip", int, apply_override("CLIP_stop_at_last_layers")),
    AxisOption("Denoising", float, apply_field("denoising_strength")),
    AxisOption("Initial noise multiplier", float, apply_field("initial_noise_multiplier")),
    AxisOptionTxt2Img("Hires upscaler", str, apply_field("hr_upscaler"), choices=_upscalers),
    AxisOption("Styles", str, apply_styles, choices=lambda: list(shared.prompt_styles.styles)),
    AxisOption("Size", str, apply_size),
]

_NUMBER = r"\s*([+-]?\s*\d+(?:\.\d*)?)"
_RANGE = re.compile(_NUMBER + r"\s*-" + _NUMBER + r"(?:\s*\(([+-]\d+(?:\.\d*)?)\s*\))?\s*")
_COUNTED = re.compile(_NUMBER + r"\s*-" + _NUMBER + r"(?:\s*\[(\d+)\s*\])?\s*")


def _expanded(text, kind):
    """ "1-5 (+2)" -> [1, 3, 5]; "1-5 [3]" -> [1, 3, 5]; anything else stays one value."""
    match = _RANGE.fullmatch(text)
    if match:
        start, end, step = kind(match[1]), kind(match[2]), kind(match[3] or 1)
        return list(range(start, end + 1, step)) if kind is int else np.arange(start, end + step, step).tolist()
    match = _COUNTED.fullmatch(text)
    if match:
        return np.linspace(kind(match[1]), kind(match[2]), int(match[3] or 1)).tolist()
    return [text]


def _values(p, option, text, chosen, csv_mode):
    """The values of one axis, of its type and confirmed."""
    if option.label == "Nothing":
        return [0]
    if option.choices is not None and not csv_mode:
        values = chosen
    elif option.prepare is not None:
        values = option.prepare(text)
    else:
        values = csv_string_to_list_strip(text)
    if option.type in (int, float):
        values = [x for entry in values if str(entry).strip() for x in _expanded(str(entry), option.type)]
    elif option.type is str_permutations:
        values = list(permutations(values))
    values = [option.type(x) for x in values]
    if option.confirm:
        option.confirm(p, values)
    return values


def _wrapped(text, font, width):
    """A label's lines, each no wider than that many pixels where its words allow it."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines)


def _labelled(grid, columns, rows, width, height, margin):
    """The sheet with a label above each column and before each row, which have room for three quarters of a picture."""
    across, down = len(columns), len(rows)
    size = max(13, (width + height) // 25)
    font, left = ImageFont.load_default(size), width * 3 // 4 if any(rows) else 0
    columns = [_wrapped(text, font, width - size) for text in columns]
    rows = [_wrapped(text, font, left - size) for text in rows]
    draw = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    heights = [int(draw.multiline_textbbox((0, 0), text, font=font)[3]) for text in columns if text]
    top = max(heights) + size if heights else 0
    whole = (left + across * (width + margin) - margin, top + down * (height + margin) - margin)
    sheet = Image.new("RGB", whole, "white")
    for row, column in product(range(down), range(across)):
        x, y = column * width, row * height
        cell = grid.crop((x, y, x + width, y + height))
        sheet.paste(cell, (left + x + column * margin, top + y + row * margin))
    draw = ImageDraw.Draw(sheet)
    look = {"font": font, "fill": "black", "anchor": "mm", "align": "center"}
    for i, text in enumerate(columns):
        draw.multiline_text((left + i * (width + margin) + width / 2, top / 2), text, **look)
    for i, text in enumerate(rows):
        draw.multiline_text((left / 2, top + i * (height + margin) + height / 2), text, **look)
    return sheet


class Script(scripts.Script):
    def title(self):
        return PROFILE.plot_title

    def ui(self, is_img2img):
        self.current_axis_options = [x for x in axis_options if type(x) is AxisOption or x.is_img2img == is_img2img]
        labels, components = [x.label for x in self.current_axis_options], []
        for axis, first in (("x", 1), ("y", 0), ("z", 0)):
            with gr.Row():
                kind = gr.Dropdown(
                    label=f"{axis.upper()} type",
                    choices=labels,
                    value=labels[first],
                    type="index",
                    elem_id=self.elem_id(f"{axis}_type"),
                )
                text = gr.Textbox(label=f"{axis.upper()} values", lines=1, elem_id=self.elem_id(f"{axis}_values"))
                chosen = gr.Dropdown(
                    label=f"{axis.upper()} values", choices=[], visible=False, multiselect=True, interactive=True
                )
                components += [kind, text, chosen]
        with gr.Row():
            legend = gr.Checkbox(label="Draw legend", value=True, elem_id=self.elem_id("draw_legend"))
            lone = gr.Checkbox(label="Include Sub Images", value=False, elem_id=self.elem_id("include_lone_images"))
            sub = gr.Checkbox(label="Include Sub Grids", value=False, elem_id=self.elem_id("include_sub_grids"))
            loose = gr.Checkbox(label="Keep -1 for seeds", value=False, elem_id=self.elem_id("no_fixed_seeds"))
            vary = [
                gr.Checkbox(label=f"Vary seeds for {x}", value=False, elem_id=self.elem_id(f"vary_seeds_{x.lower()}"))
                for x in "XYZ"
            ]
            margin = gr.Slider(
                label="Grid margins (px)", minimum=0, maximum=500, value=0, step=2, elem_id=self.elem_id("margin_size")
            )
            csv_mode = gr.Checkbox(
                label="Use text inputs instead of dropdowns", value=False, elem_id=self.elem_id("csv_mode")
            )
        for kind, text, chosen in zip(*[iter(components)] * 3, strict=True):
            kind.change(self._switched, inputs=[kind, text, chosen, csv_mode], outputs=[text, chosen])
        return [*components, legend, lone, sub, loose, *vary, margin, csv_mode]

    def _switched(self, index, text, chosen, csv_mode):
        """Values move to where they are shown for another axis: a text, or a choice of what the axis takes."""
        offered = self.current_axis_options[index or 0].choices
        choices = offered() if offered else None
        if choices is not None and csv_mode and chosen:
            text, chosen = ", ".join(value for value in chosen if value in choices), []
        elif choices is not None and not csv_mode and text:
            text, chosen = "", [value.strip() for value in text.split(",") if value.strip() in choices]
        by_choice = choices is not None and not csv_mode
        return gr.update(visible=not by_choice, value=text), gr.update(visible=by_choice, choices=choices, value=chosen)

    def run(
        self,
        p,
        x_type,
        x_values,
        x_values_dropdown,
        y_type,
        y_values,
        y_values_dropdown,
        z_type,
        z_values,
        z_values_dropdown,
        draw_legend,
        include_lone_images,
        include_sub_grids,
        no_fixed_seeds,
        vary_seeds_x,
        vary_seeds_y,
        vary_seeds_z,
        margin_size,
        csv_mode,
    ):
        if not no_fixed_seeds:
            processing.fix_seed(p)
        given = ((x_type, x_values, x_values_dropdown), (y_type, y_values, y_values_dropdown))
        options, texts, axes = [], [], []
        for kind, text, chosen in (*given, (z_type, z_values, z_values_dropdown)):
            option = self.current_axis_options[kind or 0]
            values = _values(p, option, text, chosen, csv_mode)
            if not no_fixed_seeds and option.label in ("Seed", "Var. seed"):
                values = [random.randrange(4294967294) if x in (None, "", -1) else x for x in values]
            options.append(option)
            axes.append(values)
            texts.append(list_to_csv_string(chosen) if option.choices is not None and not csv_mode else text)
        for name, option, values in zip("xyz", options, axes, strict=True):
            setattr(state, f"xyz_plot_{name}", AxisInfo(option, values))
        count = len(axes[0]) * len(axes[1]) * len(axes[2])
        print(f"X/Y/Z plot will create {count * p.n_iter * p.batch_size} images")
        state.job_count = count * p.n_iter

        result, grids, grid_texts = None, [], []
        for iz, z in enumerate(axes[2]):
            cells, infotext = [], None
            for iy, y in enumerate(axes[1]):
                for ix, x in enumerate(axes[0]):
                    shift = ix * vary_seeds_x
                    shift += iy * vary_seeds_y * (len(axes[0]) if vary_seeds_x else 1)
                    shift += (
                        iz
                        * vary_seeds_z
                        * (len(axes[0]) if vary_seeds_x else 1)
                        * (len(axes[1]) if vary_seeds_y else 1)
                    )
                    pc, drawn = self._cell(p, options, axes, (x, y, z), shift)
                    if not cells and pc.all_prompts:
                        infotext = self._grid_infotext(pc, options, texts)
                    cells.append(drawn)
            done = next((c for c in cells if c.images), cells[0])
            # A cell that was not drawn is black, and all that is told of it is null.
            width, height = done.images[0].size if done.images else (p.width, p.height)
            blank = Image.new("RGB", (width, height))
            pictures = [c.images[0] if c.images else blank for c in cells]
            grid = images.image_grid(pictures, rows=len(axes[1]))
            if draw_legend:
                columns, rows = (
                    [str(o.format_value(p, o, v)) for v in values]
                    for o, values in zip(options[:2], axes[:2], strict=True)
                )
                grid = _labelled(grid, columns, rows, width, height, margin_size)
            grids.append(grid)
            grid_texts.append(infotext)
            if result is None:
                result = copy(done)
                result.images, result.infotexts, result.all_prompts, result.all_seeds = [], [], [], []
            result.images += pictures
            result.infotexts += [c.infotexts[0] if c.images else None for c in cells]
            result.all_prompts += [c.all_prompts[0] if c.images else None for c in cells]
            result.all_seeds += [c.all_seeds[0] if c.images else None for c in cells]
        return self._assembled(result, grids, grid_texts, include_lone_images, include_sub_grids)

    def _cell(self, p, options, axes, values, seed_shift):
        if state.interrupted or state.stopping_generation:
            return p, Processed(p, [], p.seed, "")
        pc = copy(p)
        pc.styles = pc.styles[:]
        for option, value, values_of_axis in zip(options, values, axes, strict=True):
            option.apply(pc, value, values_of_axis)
        pc.seed += seed_shift
        try:
            return pc, process_images(pc)
        except Exception as e:
            errors.display(e, "generating image for xyz plot")
            return pc, Processed(p, [], p.seed, "")

    def _grid_infotext(self, pc, options, texts):
        pc.extra_generation_params = {**pc.extra_generation_params, "Script": self.title()}
        for name, option, text in zip("XYZ", options, texts, strict=True):
            if option.label != "Nothing":
                pc.extra_generation_params[f"{name} Type"] = option.label
                pc.extra_generation_params[f"{name} Values"] = text
        return processing.create_infotext(pc, pc.all_prompts, pc.all_seeds, pc.all_subseeds)

    def _assembled(self, result, grids, grid_texts, include_lone_images, include_sub_grids):
        main = grids[0] if len(grids) == 1 else images.image_grid(grids, rows=1)
        shown = [main, *(grids if include_sub_grids and len(grids) > 1 else [])]
        texts = [grid_texts[0], *grid_texts][: len(shown)]
        lone = result.images if include_lone_images else []
        for picture, text in zip(shown, texts, strict=True):
            if text:
                picture.info["parameters"] = text
        told = None if include_lone_images or PROFILE.plot_tells_all_cells else 0
        result.infotexts = texts + result.infotexts[:told]
        result.all_prompts = [result.all_prompts[0]] * len(shown) + result.all_prompts[:told]
        result.all_seeds = [result.all_seeds[0]] * len(shown) + result.all_seeds[:told]
        result.images = shown + lone
        result.index_of_first_image = len(shown)
        return result
