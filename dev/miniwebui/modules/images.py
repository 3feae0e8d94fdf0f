"""Pictures: grids, sizes, files and the infotext in them."""

from __future__ import annotations

import datetime
import io
import math
import os
import re

import numpy as np
import piexif
import piexif.helper
from PIL import Image, PngImagePlugin

from modules import errors, script_callbacks, shared
from modules.shared import opts

LANCZOS = Image.Resampling.LANCZOS


def image_grid(imgs, batch_size=1, rows=None):
    """All pictures on one sheet, by default as square as it goes."""
    if rows is None:
        rows = opts.n_rows if opts.n_rows > 0 else batch_size if opts.n_rows == 0 else round(math.sqrt(len(imgs)))
        if opts.n_rows < 0:
            while len(imgs) % rows != 0:
                rows -= 1
    rows = min(rows, len(imgs))
    params = script_callbacks.ImageGridLoopParams(imgs, math.ceil(len(imgs) / rows), rows)
    script_callbacks.image_grid_callback(params)
    width, height = max(x.width for x in imgs), max(x.height for x in imgs)
    grid = Image.new("RGB", size=(params.cols * width, params.rows * height), color="black")
    for i, image in enumerate(params.imgs):
        grid.paste(image, box=(i % params.cols * width, i // params.cols * height))
    return grid


def resize_image(resize_mode, im, width, height, upscaler_name=None, force_RGBA=False):  # noqa: N803
    """0: stretch; 1: fill and crop; 2: fit, with the borders repeated outward."""
    upscaler_name = upscaler_name or opts.upscaler_for_img2img

    def resize(image, w, h):
        if upscaler_name is None or upscaler_name == "None" or image.mode == "L" or force_RGBA:
            return image.resize((w, h), resample=LANCZOS)
        scale = max(w / image.width, h / image.height)
        if scale > 1.0:
            found = next((x for x in shared.sd_upscalers if x.name == upscaler_name), shared.sd_upscalers[0])
            image = found.scaler.upscale(image, scale, found.data_path)
        return image if image.size == (w, h) else image.resize((w, h), resample=LANCZOS)

    if resize_mode == 0:
        return resize(im, width, height)
    cover = (width / height > im.width / im.height) == (resize_mode == 1)
    w, h = (width, im.height * width // im.width) if cover else (im.width * height // im.height, height)
    resized = resize(im, w, h)
    result = Image.new("RGBA" if force_RGBA else "RGB", (width, height))
    x, y = width // 2 - w // 2, height // 2 - h // 2
    result.paste(resized, box=(x, y))
    if resize_mode == 2 and y > 0:
        result.paste(resized.resize((width, y), box=(0, 0, w, 0)), box=(0, 0))
        result.paste(resized.resize((width, y), box=(0, h, w, h)), box=(0, y + h))
    elif resize_mode == 2 and x > 0:
        result.paste(resized.resize((x, height), box=(0, 0, 0, h)), box=(0, 0))
        result.paste(resized.resize((x, height), box=(w, 0, w, h)), box=(x + w, 0))
    return result


_INVALID = str.maketrans(dict.fromkeys('#<>:"/\\|?*\n\r\t', "_"))


def sanitize_filename_part(text, replace_spaces=True):
    if text is None:
        return None
    text = text.replace(" ", "_") if replace_spaces else text
    return text.translate(_INVALID).lstrip(" .")[:128].rstrip(" .")


def get_next_sequence_number(path, basename):
    """One more than the highest number among the folder's files."""
    prefix = f"{basename}-" if basename else ""
    numbers = [-1]
    for name in os.listdir(path):
        match = re.match(rf"{re.escape(prefix)}(\d+)", name)
        if match:
            numbers.append(int(match.group(1)))
    return max(numbers) + 1


def save_image_with_geninfo(
    image, geninfo, filename, extension=None, existing_pnginfo=None, pnginfo_section_name="parameters"
):
    extension = (extension or os.path.splitext(filename)[1]).lower()
    if extension == ".png":
        info = dict(existing_pnginfo or {})
        if opts.enable_pnginfo:
            info[pnginfo_section_name] = geninfo
        data = PngImagePlugin.PngInfo()
        for key, value in info.items():
            if value is not None:
                data.add_text(key, str(value))
        image.save(filename, format="PNG", pnginfo=data)
    else:
        if image.mode in ("RGBA", "P"):
            image = image.convert("RGB")
        image.save(filename, format=Image.registered_extensions()[extension], quality=opts.jpeg_quality)
        if opts.enable_pnginfo and geninfo is not None:
            comment = piexif.helper.UserComment.dump(geninfo or "", encoding="unicode")
            piexif.insert(piexif.dump({"Exif": {piexif.ExifIFD.UserComment: comment}}), filename)


def save_image(
    image,
    path,
    basename,
    seed=None,
    prompt=None,
    extension="png",
    info=None,
    short_filename=False,
    no_prompt=False,
    grid=False,
    pnginfo_section_name="parameters",
    p=None,
    existing_info=None,
    forced_filename=None,
    suffix="",
    save_to_dirs=None,
):
    """Write the picture with its infotext; (path, path of the .txt or None)."""
    if save_to_dirs is None:
        save_to_dirs = opts.grid_save_to_dirs if grid else opts.save_to_dirs
    if save_to_dirs:
        path = os.path.join(path, datetime.date.today().isoformat())
    os.makedirs(path, exist_ok=True)
    if forced_filename is None:
        name = f"{get_next_sequence_number(path, basename):05}"
        name = f"{basename}-{name}" if basename else name
        name += "" if seed is None or short_filename else f"-{seed}"
    else:
        name = forced_filename
    fullname = os.path.join(path, f"{name}{suffix}.{extension}")
    pnginfo = dict(existing_info or {})
    if info is not None:
        pnginfo[pnginfo_section_name] = info
    params = script_callbacks.ImageSaveParams(image, p, fullname, pnginfo)
    script_callbacks.before_image_saved_callback(params)
    image, fullname = params.image, params.filename
    geninfo = params.pnginfo.get(pnginfo_section_name)
    save_image_with_geninfo(image, geninfo, fullname, None, params.pnginfo, pnginfo_section_name)
    image.already_saved_as = fullname
    text_path = None
    if opts.save_txt and geninfo is not None:
        text_path = os.path.splitext(fullname)[0] + ".txt"
        with open(text_path, "w", encoding="utf8") as file:
            file.write(geninfo + "\n")
    script_callbacks.image_saved_callback(params)
    return fullname, text_path


_NOT_OURS = (
    "jfif jfif_version jfif_unit jfif_density dpi exif loop background timestamp duration progressive progression "
    "icc_profile chromaticity photoshop"
).split()


def read_info_from_image(image):
    """(infotext or None, the other items)"""
    items = dict(image.info or {})
    geninfo = items.pop("parameters", None)
    if "exif" in items:
        try:
            comment = piexif.load(items["exif"]).get("Exif", {}).get(piexif.ExifIFD.UserComment, b"")
            text = piexif.helper.UserComment.load(comment)
        except Exception:
            errors.record_exception()
            text = None
        if text:
            items["exif comment"] = geninfo = text
    for name in _NOT_OURS:
        items.pop(name, None)
    return geninfo, items


def image_data(data):
    """What a file dropped on a prompt puts there: (infotext of a picture, or a text; None, which empties the place)."""
    import gradio as gr

    try:
        return read_info_from_image(read(io.BytesIO(data)))[0], None
    except Exception:
        errors.record_exception()
    try:
        return data.decode("utf8"), None
    except Exception:
        return gr.update(), None


def flatten(img, bgcolor):
    """The picture on a background, without transparency."""
    if img.mode == "RGBA":
        background = Image.new("RGBA", img.size, bgcolor)
        background.paste(img, mask=img)
        img = background
    return img.convert("RGB")


def read(fp, **kwargs):
    image = Image.open(fp, **kwargs)
    image.load()
    return fix_image(image)


def fix_image(image):
    if image is None:
        return None
    if image.mode == "P" and isinstance(image.info.get("transparency"), bytes):
        return image.convert("RGBA")
    if image.mode == "I;16":
        return Image.fromarray((np.asarray(image, dtype=np.float64) / 256).astype(np.uint8))
    return image
