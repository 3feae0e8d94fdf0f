"""A miniwebui of one profile in this process, prepared as it is before it serves: page, API and endpoints are built."""

from __future__ import annotations

import base64
import functools
import importlib
import io
import json
import shutil
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from PIL import Image, ImageChops

from ..server import PROJECT
from .watch import Watch

PAGE = {
    "prompt": "a red circle",
    "negative_prompt": "blue",
    "steps": 3,
    "cfg_scale": 4,
    "width": 64,
    "height": 64,
    "seed": 1,
    "sampler_name": "DPM++ 2M",
    "scheduler": "Karras",
}
RENAMED = "my-hyper-4steps"
_FIELDS = (
    "steps cfg_scale distilled_cfg_scale sampler_name scheduler denoising_strength enable_hr hr_scale hr_upscaler "
    "hr_second_pass_steps hr_cfg hr_distilled_cfg hr_sampler_name hr_scheduler all_prompts main_prompt all_hr_prompts "
    "hr_additional_modules"
).split()
_WATCHED_MODULES = (
    "processing script_callbacks scripts sd_models sd_samplers sd_samplers_cfg_denoiser sd_samplers_common"
)
_WATCHED_MORE = "sd_samplers_kdiffusion sd_schedulers shared"


class _AtOnce(Executor):
    """Works where it is called: the sites of a thread that is there already would not be seen."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@dataclass(frozen=True)
class Drawn:
    """A picture with its infotext's parts: our entries, and all the rest."""

    picture: Image.Image
    own: Mapping[str, str]
    rest: str

    def distance(self, other: Drawn) -> int:
        """The largest difference of one colour value."""
        if self.picture.size != other.picture.size:
            return 256
        extrema = ImageChops.difference(self.picture, other.picture).getextrema()
        return max(high for _, high in extrema)


class Host:
    """The prepared host."""

    def __init__(self, profile: str, folder: Path) -> None:
        self.profile, self.loras = profile, folder / "Lora"
        shutil.copytree(PROJECT / "dev" / "miniature" / "weights" / "Lora", self.loras)
        (self.loras / "deep").mkdir()
        self.fill()
        self.watch = Watch()
        (folder / "data").mkdir()
        self._prepare(folder / "data")
        self.app = self._started()
        self._watch_all()

    def fill(self) -> None:
        """All LoRA files as they are to be."""
        source = PROJECT / "dev" / "miniature" / "weights" / "Lora"
        copies = {self.loras / path.name: path for path in source.glob("*.safetensors")}
        copies[self.loras / "deep" / f"{RENAMED}.safetensors"] = source / "Hyper-SD15-4steps-lora.safetensors"
        for target, path in copies.items():
            if target.is_dir():
                target.rmdir()
            if not target.exists() or target.stat().st_size != path.stat().st_size:
                shutil.copy2(path, target)

    def _prepare(self, data: Path) -> None:
        sys.path.insert(0, str(PROJECT / "dev" / "miniwebui"))
        sys.argv = ["launch.py", "--profile", self.profile, "--nowebui", "--extra-extension", str(PROJECT)]
        sys.argv += ["--lora-dir", str(self.loras), "--data-dir", str(data)]
        importlib.import_module("launch").prepare()
        sys.argv += ["--ckpt-dir", str(self._checkpoints(Path(sys.argv[sys.argv.index("--models-dir") + 1])))]
        initialize = importlib.import_module("modules.initialize")
        initialize.imports()
        initialize.initialize()

    def _checkpoints(self, models: Path) -> Path:
        """A folder of links to the checkpoints: a fault moves one away, and other servers have the same files."""
        folder = self.loras.parent / "Stable-diffusion"
        folder.mkdir()
        for path in (models / "Stable-diffusion").iterdir():
            (folder / path.name).symlink_to(path)
        return folder

    def _started(self) -> Any:
        """The app, with the host's routes and ours, as a start makes it."""
        from fastapi import FastAPI
        from modules import script_callbacks, ui
        from modules.api.api import Api
        from modules.call_queue import queue_lock

        from lib_hypersd.host import threads

        threads._threads = _AtOnce()
        script_callbacks.before_ui_callback()
        self.page = ui.create_ui()
        app = FastAPI()
        self.api = Api(app, queue_lock)
        script_callbacks.app_started_callback(self.page, app)
        return app

    def restarted(self) -> Any:
        """What "Reload UI" does: scripts are run anew, the page is built anew."""
        from modules import initialize, script_callbacks

        script_callbacks.script_unloaded_callback()
        initialize.initialize_rest(reload_script_modules=True)
        self.app = self._started()

    def _watch_all(self) -> None:
        from modules import shared
        from modules.api import api

        for name in (*_WATCHED_MODULES.split(), *_WATCHED_MORE.split()):
            module = sys.modules.get(f"modules.{name}")
            if module is not None:
                self.watch.over(module, name)
        self.watch.over(sys.modules["networks"], "networks")
        for name in ("opts", "cmd_opts", "state"):
            self.watch.over(getattr(shared, name), f"shared.{name}")
        for name in ("StableDiffusionProcessingTxt2Img", "StableDiffusionProcessingImg2Img"):
            setattr(api, name, self.watch.class_of(getattr(api, name), "p"))
        self.draw({})
        self.watch.over(shared.sd_model, "sd_model")
        self.watch.over(shared.sd_model.sd_checkpoint_info, "sd_checkpoint_info")

    @property
    def has_schedule_types(self) -> bool:
        """Forge Classic has none: there a sampler brings its schedule."""
        return sys.modules.get("modules.sd_schedulers") is not None

    # Pictures ---------------------------------------------------------------------------------------------------

    def draw(self, fields: Mapping[str, Any], *, off: bool = False) -> Drawn:
        """One txt2img by the API's own function; `off` with the object that turns us off whatever else is asked."""
        from modules.api import models

        body = self._body(fields)
        if off:
            body["alwayson_scripts"] = {"Hyper-SD": {"args": [{"enabled": False}]}}
        answer = self.api.text2imgapi(models.StableDiffusionTxt2ImgProcessingAPI(**body))
        info = json.loads(answer.info)
        if not answer.images:
            raise AssertionError("no picture came")
        picture = Image.open(io.BytesIO(base64.b64decode(answer.images[0]))).convert("RGB")
        own, rest = _parts(info["infotexts"][0])
        return Drawn(picture, own, rest)

    def _body(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        modules = {"hr_additional_modules": ["Use same choices"]} if self.profile in ("forge", "neo") else {}
        return {**PAGE, **fields, **(modules if "enable_hr" in fields else {})}

    def account(self, fields: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """What `process` makes of a request without drawing it: the infotext's entries, and what it set on `p`."""
        from modules import processing, scripts
        from modules.api import api, models

        runner = scripts.scripts_txt2img
        body = models.StableDiffusionTxt2ImgProcessingAPI(**self._body(fields))
        args = self.api.init_script_args(
            body, self.api.default_script_arg_txt2img, None, None, runner, input_script_args={}
        )
        no_fields = {"alwayson_scripts"} if self.has_schedule_types else {"alwayson_scripts", "scheduler"}
        known = {k: v for k, v in self._body(fields).items() if k not in no_fields}
        p = api.StableDiffusionProcessingTxt2Img(**known)
        p.is_api, p.scripts, p.script_args = True, runner, tuple(args)
        runner.before_process(p)
        processing._prepare(p)
        runner.process(p)
        return dict(p.extra_generation_params), {name: repr(getattr(p, name, None)) for name in _FIELDS}

    # State ------------------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """Drop all that the extension remembers, as after a start: the next run comes by everything."""
        from lib_hypersd.host import loras
        from lib_hypersd.lora import tensors

        tensors.forget()
        loras._loras = loras.lora_cache()
        for name, module in list(sys.modules.items()):
            if name.startswith("lib_hypersd"):
                for value in vars(module).values():
                    if isinstance(value, functools._lru_cache_wrapper):
                        value.cache_clear()
                    elif isinstance(value, WeakKeyDictionary):
                        value.clear()

    def state(self) -> dict[str, Any]:
        """What a run must leave as it was: options, lists, and the names in the host's modules."""
        from modules import script_callbacks, scripts, sd_samplers, shared

        found: dict[str, Any] = {"options": {k: repr(v) for k, v in shared.opts.data.items()}}
        found["samplers"] = [s.name for s in sd_samplers.all_samplers]
        found["samplers by name"] = sorted(sd_samplers.all_samplers_map)
        schedulers = sys.modules.get("modules.sd_schedulers")
        if schedulers is not None:
            found["schedules"] = [s.label for s in schedulers.schedulers]
            found["schedules by name"] = sorted(schedulers.schedulers_map)
        found["LoRAs"] = sorted(sys.modules["networks"].available_networks)
        found["callbacks"] = {name: len(entries) for name, entries in script_callbacks.callback_map.items()}
        found["axes"] = [
            option.label for data in scripts.scripts_data for option in getattr(data.module, "axis_options", ())
        ]
        for name, module in list(sys.modules.items()):
            if module is not None and (name == "modules" or name.startswith("modules.")):
                found[name] = {
                    key: id(value)
                    for key, value in vars(module).items()
                    if callable(value) or isinstance(value, ModuleType) or key in ("opts", "state", "shared")
                }
        return found


def _parts(infotext: str) -> tuple[dict[str, str], str]:
    """Our entries of an infotext, and it without them."""
    sys.path[:0] = [] if str(PROJECT / "tests") in sys.path else [str(PROJECT / "tests")]
    from live.client import Infotext

    read = Infotext.read(infotext)
    return read.own(), json.dumps([read.prompt, read.negative_prompt, read.foreign()], ensure_ascii=False)
