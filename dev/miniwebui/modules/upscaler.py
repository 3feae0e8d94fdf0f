"""The three pixel upscalers that need no weights."""

from __future__ import annotations

from PIL import Image


class Upscaler:
    """An upscaler; `scalers` are its entries in the list."""

    name = None
    model_name = None
    filter = None
    scale = 4

    def __init__(self, create_dirs=True):
        self.scalers = [UpscalerData(self.name, None, self)]

    def upscale(self, img, scale, selected_model=None):
        """The picture at a multiple of 8, `scale` times as large."""
        size = tuple(int((side * scale) // 8 * 8) for side in img.size)
        return img if self.filter is None or img.size == size else img.resize(size, resample=self.filter)


class UpscalerData:
    def __init__(self, name, path, upscaler=None, scale=4, model=None):
        self.name, self.data_path, self.local_data_path = name, path, path
        self.scaler, self.scale, self.model = upscaler, scale, model


class UpscalerNone(Upscaler):
    name = "None"


class UpscalerLanczos(Upscaler):
    name = "Lanczos"
    filter = Image.Resampling.LANCZOS


class UpscalerNearest(Upscaler):
    name = "Nearest"
    filter = Image.Resampling.NEAREST


def load_upscalers():
    return [data for kind in (UpscalerNone, UpscalerLanczos, UpscalerNearest) for data in kind().scalers]
