"""Pictures that requests bring along: what img2img starts from, and a mask."""

from __future__ import annotations

import base64
import io

from PIL import Image


def gradient(size: int) -> str:
    image = Image.new("RGB", (size, size))
    image.putdata([(255 * x // size, 255 * y // size, 128) for y in range(size) for x in range(size)])
    return _encoded(image)


def left_half(size: int) -> str:
    """A mask over the left half."""
    image = Image.new("L", (size, size), 0)
    image.paste(255, (0, 0, size // 2, size))
    return _encoded(image)


def _encoded(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode()
