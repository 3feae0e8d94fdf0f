"""/sdapi/v1: what A1111 and its forks answer, as far as a scripted user of txt2img and img2img goes."""

from __future__ import annotations

import base64
import binascii
import io
import math
import time
from contextlib import closing
from secrets import compare_digest
from threading import Lock
from typing import Any, Union, get_args, get_origin

import gradio as gr
import piexif
import piexif.helper
import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import HTTPException
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from PIL import Image, PngImagePlugin
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware

from modules import (
    errors,
    images,
    infotext_utils,
    script_callbacks,
    scripts,
    sd_models,
    sd_samplers,
    shared,
    ui,
)
from modules.api import models
from modules.processing import (
    StableDiffusionProcessingImg2Img,
    StableDiffusionProcessingTxt2Img,
    process_extra_images,
    process_images,
)
from modules.profiles import PROFILE
from modules.progress import add_task_to_queue, create_task_id, finish_task, start_task
from modules.shared import opts
from modules.stats import STATS


def script_name_to_index(name, script_list):
    try:
        return [script.title().lower() for script in script_list].index(name.lower())
    except Exception as e:
        raise HTTPException(status_code=422, detail=f"Script '{name}' not found") from e


def validate_sampler_name(name):
    if sd_samplers.all_samplers_map.get(name) is None:
        raise HTTPException(status_code=PROFILE.unknown_sampler_status, detail="Sampler not found")
    return name


def decode_base64_to_image(encoding):
    if encoding.startswith(("http://", "https://")):
        raise HTTPException(status_code=500, detail="Requests not allowed")
    if encoding.startswith("data:image/"):
        encoding = encoding.split(";")[1].split(",")[1]
    try:
        return images.read(io.BytesIO(base64.b64decode(encoding)))
    except (binascii.Error, OSError, SyntaxError, ValueError) as e:
        raise HTTPException(status_code=500, detail="Invalid encoded image") from e


def encode_pil_to_base64(image):
    if isinstance(image, str):
        return image
    kind, output = opts.samples_format.lower(), io.BytesIO()
    if kind == "png":
        info = PngImagePlugin.PngInfo()
        for key, value in image.info.items():
            if isinstance(key, str) and isinstance(value, str):
                info.add_text(key, value)
        image.save(output, format="PNG", pnginfo=info)
    elif kind in ("jpg", "jpeg", "webp"):
        image = image.convert("RGB") if image.mode in ("RGBA", "P") else image
        comment = piexif.helper.UserComment.dump(image.info.get("parameters") or "", encoding="unicode")
        exif = piexif.dump({"Exif": {piexif.ExifIFD.UserComment: comment}})
        Image.init()
        image.save(output, format="WEBP" if kind == "webp" else "JPEG", exif=exif, quality=opts.jpeg_quality)
    else:
        raise HTTPException(status_code=500, detail="Invalid image format")
    return base64.b64encode(output.getvalue())


def api_middleware(app: FastAPI):
    """A1111's and reForge's: faults become JSON, every answer tells its time."""

    def answer(request: Request, e: Exception):
        body = {
            "error": type(e).__name__,
            "detail": vars(e).get("detail", ""),
            "body": vars(e).get("body", ""),
            "errors": str(e),
        }
        if not isinstance(e, HTTPException):
            errors.report(f"API error: {request.method}: {request.url} {body}", exc_info=True)
        return JSONResponse(status_code=vars(e).get("status_code", 500), content=jsonable_encoder(body))

    async def log_and_time(request: Request, call_next):
        start = time.time()
        response: Response = await call_next(request)
        response.headers["X-Process-Time"] = str(round(time.time() - start, 4))
        return response

    async def exception_handling(request: Request, call_next):
        try:
            return await call_next(request)
        except Exception as e:
            return answer(request, e)

    # Not by `app.middleware`, which refuses once the server has answered a request: a page that was left open asks at
    # once after "Reload UI". `webui` builds the stack anew afterwards.
    for dispatch in (log_and_time, exception_handling):
        app.user_middleware.insert(0, Middleware(BaseHTTPMiddleware, dispatch=dispatch))
    app.add_exception_handler(Exception, _as_handler(answer))
    app.add_exception_handler(HTTPException, _as_handler(answer))


def _as_handler(answer):
    async def handler(request: Request, e: Exception):
        return answer(request, e)

    return handler


def _base_type(annotation):
    """X of Optional[X]."""
    if get_origin(annotation) is Union:
        given = [x for x in get_args(annotation) if x is not type(None)]
        return given[0] if len(given) == 1 else annotation
    return annotation


def _field_type(request, name):
    if models.PYDANTIC_2:
        return _base_type(request.model_fields[name].annotation)
    return request.__fields__[name].type_


def _fields_of(request):
    return request.model_fields if models.PYDANTIC_2 else request.__fields__


def _echo(request) -> dict:
    """The request's fields for the answer, non-finite numbers as null.

    pydantic 2 writes them so by itself. With pydantic 1 the real A1111 draws the picture and then fails to write its
    answer; a request with a NaN is better served with its picture.
    """

    def finite(value):
        if isinstance(value, float) and not math.isfinite(value):
            return None
        if isinstance(value, dict):
            return {k: finite(v) for k, v in value.items()}
        return [finite(x) for x in value] if isinstance(value, list) else value

    return finite(dict(vars(request)))


class Api:
    def __init__(self, app: FastAPI, queue_lock: Lock):
        self.credentials = {}
        for pair in (shared.cmd_opts.api_auth or "").split(","):
            if pair:
                user, password = pair.split(":")
                self.credentials[user] = password
        self.router = APIRouter()
        self.app = app
        self.queue_lock = queue_lock
        if PROFILE.api_handles_errors:
            api_middleware(self.app)
        self._add_routes()
        if not scripts.scripts_txt2img.scripts or not scripts.scripts_img2img.scripts:
            ui.create_ui()  # without a page: scripts have their places among the arguments from it
        self.default_script_arg_txt2img = self.init_default_script_args(scripts.scripts_txt2img)
        self.default_script_arg_img2img = self.init_default_script_args(scripts.scripts_img2img)

    def _add_routes(self):
        get, post = {"methods": ["GET"]}, {"methods": ["POST"]}
        for path, endpoint, how, response in (
            ("txt2img", self.text2imgapi, post, models.TextToImageResponse),
            ("img2img", self.img2imgapi, post, models.ImageToImageResponse),
            ("png-info", self.pnginfoapi, post, models.PNGInfoResponse),
            ("progress", self.progressapi, get, models.ProgressResponse),
            ("interrupt", self.interruptapi, post, None),
            ("skip", self.skip, post, None),
            ("options", self.get_config, get, models.OptionsModel),
            ("options", self.set_config, post, None),
            ("cmd-flags", self.get_cmd_flags, get, models.FlagsModel),
            ("samplers", self.get_samplers, get, list[models.SamplerItem]),
            *([("schedulers", self.get_schedulers, get, list[models.SchedulerItem])] if PROFILE.schedule_types else []),
            ("upscalers", self.get_upscalers, get, list[models.UpscalerItem]),
            ("latent-upscale-modes", self.get_latent_upscale_modes, get, list[models.LatentUpscalerModeItem]),
            ("sd-models", self.get_sd_models, get, list[models.SDModelItem]),
            (
                "sd-modules" if PROFILE.forge_engine else "sd-vae",
                self.get_sd_modules,
                get,
                list[models.SDModuleItem],
            ),
            ("prompt-styles", self.get_prompt_styles, get, list[models.PromptStyleItem]),
            ("embeddings", self.get_embeddings, get, models.EmbeddingsResponse),
            ("refresh-checkpoints", self.refresh_checkpoints, post, None),
            ("refresh-vae", self.refresh_vae, post, None),
            ("memory", self.get_memory, get, models.MemoryResponse),
            ("unload-checkpoint", self.unloadapi, post, None),
            ("reload-checkpoint", self.reloadapi, post, None),
            ("scripts", self.get_scripts_list, get, models.ScriptsList),
            ("script-info", self.get_script_info, get, list[models.ScriptInfo]),
            ("extensions", self.get_extensions_list, get, list[models.ExtensionItem]),
        ):
            self.add_api_route(f"/sdapi/v1/{path}", endpoint, response_model=response, **how)
        if shared.cmd_opts.api_server_stop:
            self.add_api_route("/sdapi/v1/server-stop", self.stop_webui, **post)
            self.add_api_route("/sdapi/v1/server-restart", self.restart_webui, **post)
        self.add_api_route("/miniwebui/v1/stats", self.get_stats, **get)

    def add_api_route(self, path: str, endpoint, **kwargs):
        if shared.cmd_opts.api_auth:
            kwargs["dependencies"] = [Depends(self.auth)]
        return self.app.add_api_route(path, endpoint, **kwargs)

    def auth(self, credentials: HTTPBasicCredentials = Depends(HTTPBasic())):  # noqa: B008
        known = self.credentials.get(credentials.username)
        if known is not None and compare_digest(credentials.password.encode(), known.encode()):
            return True
        raise HTTPException(
            status_code=401, detail="Incorrect username or password", headers={"WWW-Authenticate": "Basic"}
        )

    def init_default_script_args(self, script_runner):
        """The scripts' default arguments: their UI is built once more to read its values."""
        script_args = [None] * max([1, *(x.args_to for x in script_runner.scripts if x.args_to)])
        script_args[0] = 0
        with gr.Blocks():
            for script in script_runner.scripts:
                components = script.ui(script.is_img2img)
                if components:
                    script_args[script.args_from : script.args_to] = [x.value for x in components]
        return script_args

    def get_selectable_script(self, script_name, script_runner):
        if not script_name:
            return None, None
        index = script_name_to_index(script_name, script_runner.selectable_scripts)
        return script_runner.selectable_scripts[index], index

    def get_script(self, script_name, script_runner):
        if not script_name:
            return None
        return script_runner.scripts[script_name_to_index(script_name, script_runner.scripts)]

    def init_script_args(
        self, request, default_script_args, selectable_scripts, selectable_idx, script_runner, *, input_script_args=None
    ):
        """All scripts' arguments: defaults, then those of an infotext, then the request's own."""
        script_args = default_script_args.copy()
        for index, value in (input_script_args or {}).items():
            script_args[index] = value
        if selectable_scripts:
            script_args[selectable_scripts.args_from : selectable_scripts.args_to] = request.script_args
            script_args[0] = selectable_idx + 1
        for name, entry in (request.alwayson_scripts or {}).items():
            script = self.get_script(name, script_runner)
            if script is None:
                raise HTTPException(status_code=422, detail=f"always on script {name} not found")
            if script.alwayson is False:
                raise HTTPException(
                    status_code=422, detail="Cannot have a selectable script in the always on scripts params"
                )
            if "args" in entry:
                for i in range(min(script.args_to - script.args_from, len(entry["args"]))):
                    script_args[script.args_from + i] = entry["args"][i]
        return script_args

    def apply_infotext(self, request, tabname, *, script_runner=None, mentioned_script_args=None):
        """Set fields that the request left out from its `infotext`, script arguments too."""
        if not request.infotext:
            return {}
        fields = infotext_utils.paste_fields[tabname]["fields"]
        given = request.dict(exclude_unset=True)
        params = infotext_utils.parse_generation_parameters(request.infotext)

        def value_of(field):
            value = field.function(params) if field.function else params.get(field.label)
            if value is None:
                return None
            known = field.api in _fields_of(request)
            kind = _field_type(request, field.api) if known else type(field.component.value)
            if kind is type(None):
                return None
            if isinstance(value, dict) and value.get("__type__") in ("generic_update", "update"):
                value = value.get("value")
            return value if value is None or isinstance(value, kind) else kind(value)

        for field in fields:
            if field.api and field.api not in given:
                value = value_of(field)
                if value is not None:
                    setattr(request, field.api, value)
        if request.override_settings is None:
            request.override_settings = {}
        for _, name, value in infotext_utils.get_override_settings(params):
            request.override_settings.setdefault(name, value)
        if script_runner is not None and mentioned_script_args is not None:
            positions = {component: i for i, component in enumerate(script_runner.inputs)}
            for field in fields:
                value = value_of(field) if field.component in positions else None
                if value is not None:
                    mentioned_script_args[positions[field.component]] = value
        return params

    def _draw(self, request, tabname, processing_class, runner, defaults, extra):
        """The way that txt2img and img2img share; the result and whether its pictures are wanted."""
        task_id = request.force_task_id or create_task_id(tabname)
        from_infotext: dict[int, Any] = {}
        self.apply_infotext(request, tabname, script_runner=runner, mentioned_script_args=from_infotext)
        selected, selected_index = self.get_selectable_script(request.script_name, runner)
        sampler, scheduler = request.sampler_name or request.sampler_index, "Automatic"
        if PROFILE.schedule_types:
            sampler, scheduler = sd_samplers.get_sampler_and_scheduler(sampler, request.scheduler)
        update = {
            "sampler_name": validate_sampler_name(sampler),
            "do_not_save_samples": not request.save_images,
            "do_not_save_grid": not request.save_images,
            **extra,
        }
        populate = request.copy(update=update)
        populate.sampler_index = None
        if scheduler != "Automatic" and not populate.scheduler:
            populate.scheduler = scheduler
        args = dict(vars(populate))
        for name in ("script_name", "script_args", "alwayson_scripts", "infotext", "include_init_images"):
            args.pop(name, None)
        script_args = self.init_script_args(
            request, defaults, selected, selected_index, runner, input_script_args=from_infotext
        )
        send_images = args.pop("send_images", True)
        args.pop("save_images", None)
        init_images = args.pop("init_images", None)
        add_task_to_queue(task_id)
        with self.queue_lock, closing(processing_class(sd_model=shared.sd_model, **args)) as p:
            if init_images is not None:
                p.init_images = [decode_base64_to_image(x) for x in init_images]
            p.is_api = True
            p.scripts = runner
            p.outpath_grids = getattr(opts, f"outdir_{tabname}_grids")
            p.outpath_samples = getattr(opts, f"outdir_{tabname}_samples")
            try:
                shared.state.begin(job=f"scripts_{tabname}")
                start_task(task_id)
                if selected is not None:
                    p.script_args = script_args
                    processed = runner.run(p, *p.script_args)
                else:
                    p.script_args = tuple(script_args)
                    processed = process_images(p)
                process_extra_images(processed)
                finish_task(task_id)
            finally:
                shared.state.end()
                shared.total_tqdm.clear()
        pictures = processed.images + processed.extra_images if send_images else []
        return [encode_pil_to_base64(x) for x in pictures], processed.js()

    def text2imgapi(self, txt2imgreq: models.StableDiffusionTxt2ImgProcessingAPI):
        pictures, info = self._draw(
            txt2imgreq,
            "txt2img",
            StableDiffusionProcessingTxt2Img,
            scripts.scripts_txt2img,
            self.default_script_arg_txt2img,
            {},
        )
        return models.TextToImageResponse(images=pictures, parameters=_echo(txt2imgreq), info=info)

    def img2imgapi(self, img2imgreq: models.StableDiffusionImg2ImgProcessingAPI):
        if img2imgreq.init_images is None:
            raise HTTPException(status_code=404, detail="Init image not found")
        mask = decode_base64_to_image(img2imgreq.mask) if img2imgreq.mask else None
        pictures, info = self._draw(
            img2imgreq,
            "img2img",
            StableDiffusionProcessingImg2Img,
            scripts.scripts_img2img,
            self.default_script_arg_img2img,
            {"mask": mask},
        )
        if not img2imgreq.include_init_images:
            img2imgreq.init_images = img2imgreq.mask = None
        return models.ImageToImageResponse(images=pictures, parameters=_echo(img2imgreq), info=info)

    def pnginfoapi(self, req: models.PNGInfoRequest):
        image = decode_base64_to_image(req.image.strip())
        geninfo, items = images.read_info_from_image(image)
        geninfo = geninfo or ""
        params = infotext_utils.parse_generation_parameters(geninfo)
        script_callbacks.infotext_pasted_callback(geninfo, params)
        text_items = {k: v for k, v in items.items() if isinstance(v, str | int | float)}
        return models.PNGInfoResponse(info=geninfo, items=text_items, parameters=params)

    def progressapi(self, req: models.ProgressRequest = Depends()):  # noqa: B008
        state = shared.state
        if state.job_count == 0:
            return models.ProgressResponse(progress=0, eta_relative=0, state=state.dict(), textinfo=state.textinfo)
        progress = 0.01
        if state.job_count > 0:
            progress += state.job_no / state.job_count
        if state.sampling_steps > 0:
            progress += 1 / state.job_count * state.sampling_step / state.sampling_steps
        elapsed = time.time() - state.time_start
        state.set_current_image()
        picture = None
        if state.current_image and not req.skip_current_image:
            picture = encode_pil_to_base64(state.current_image)
        return models.ProgressResponse(
            progress=min(progress, 1),
            eta_relative=elapsed / progress - elapsed,
            state=state.dict(),
            current_image=picture,
            textinfo=state.textinfo,
        )

    def interruptapi(self):
        shared.state.interrupt()
        return {}

    def skip(self):
        shared.state.skip()

    def unloadapi(self):
        sd_models.unload_model_weights()
        return {}

    def reloadapi(self):
        sd_models.send_model_to_device(shared.sd_model)
        return {}

    def get_config(self):
        return dict(shared.opts.data)

    def set_config(self, req: dict[str, Any]):
        if PROFILE.forge_engine:
            from modules.sysinfo import set_config

            set_config(req)
            return
        checkpoint = req.get("sd_model_checkpoint")
        if checkpoint is not None and checkpoint not in sd_models.checkpoint_aliases:
            raise RuntimeError(f"model {checkpoint!r} not found")
        for key, value in req.items():
            shared.opts.set(key, value, is_api=True)
        shared.opts.save(shared.config_filename)

    def get_cmd_flags(self):
        return vars(shared.cmd_opts)

    def get_samplers(self):
        return [{"name": x[0], "aliases": x[2], "options": x[3]} for x in sd_samplers.all_samplers]

    def get_schedulers(self):
        from modules import sd_schedulers

        names = ("name", "label", "aliases", "default_rho", "need_inner_model")
        return [{name: getattr(x, name) for name in names} for x in sd_schedulers.schedulers]

    def get_upscalers(self):
        return [
            {
                "name": x.name,
                "model_name": x.scaler.model_name,
                "model_path": x.data_path,
                "model_url": None,
                "scale": x.scale,
            }
            for x in shared.sd_upscalers
        ]

    def get_latent_upscale_modes(self):
        return [{"name": name} for name in shared.latent_upscale_modes]

    def get_sd_models(self):
        return [
            {
                "title": x.title,
                "model_name": x.model_name,
                "hash": x.shorthash,
                "sha256": x.sha256,
                "filename": x.filename,
                "config": None,
            }
            for x in sd_models.checkpoints_list.values()
        ]

    def get_sd_modules(self):
        return []

    def get_prompt_styles(self):
        return [
            {"name": x.name, "prompt": x.prompt, "negative_prompt": x.negative_prompt}
            for x in shared.prompt_styles.styles.values()
        ]

    def get_embeddings(self):
        return {"loaded": {}, "skipped": {}}

    def refresh_checkpoints(self):
        with self.queue_lock:
            shared.refresh_checkpoints()

    def refresh_vae(self):
        with self.queue_lock:
            pass

    def get_memory(self):
        import os

        import psutil

        used, total = psutil.Process(os.getpid()).memory_info().rss, psutil.virtual_memory().total
        return models.MemoryResponse(
            ram={"free": total - used, "used": used, "total": total}, cuda={"error": "unavailable"}
        )

    def get_scripts_list(self):
        txt2img = [x.name for x in scripts.scripts_txt2img.scripts if x.name is not None]
        img2img = [x.name for x in scripts.scripts_img2img.scripts if x.name is not None]
        return models.ScriptsList(txt2img=txt2img, img2img=img2img)

    def get_script_info(self):
        runners = (scripts.scripts_txt2img, scripts.scripts_img2img)
        return [x.api_info for runner in runners for x in runner.scripts if x.api_info is not None]

    def get_extensions_list(self):
        return []  # only those with a git remote are listed

    def get_stats(self):
        return STATS.as_dict()

    def launch(self, server_name, port, root_path):
        self.app.include_router(self.router)
        uvicorn.run(self.app, host=server_name, port=port, root_path=root_path, log_level="warning")

    def restart_webui(self):
        shared.state.request_restart()
        return Response("Restarting.")

    def stop_webui(self):
        shared.state.server_command = "stop"
        return Response("Stopping.")
