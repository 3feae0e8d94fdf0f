"""Fuzz of what needs a host: endpoints, paste, the panel's listener. In a process of its own, over miniwebui.

Prints how many cases of each target ran, as JSON, on its last line.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

from mutation import ATOMS, ODD, Case  # noqa: E402
from runs import ran, run_cases  # noqa: E402
from unit.files import KOHYA_TO_K, write_safetensors  # noqa: E402

from dev.commands.bench_hook import prepare  # noqa: E402

MINE = "Hyper-SD15-8steps-lora"
ODD_FILES = (
    "my-hyper-8step <img src=x onerror=alert(1)>",
    "my-hyper-4step \"'& onclick=1",
    "my-hyper-2step \u202e\u0301",
    "hyper-8step#1",
    "hyper:8step",
)


def fill(folder: Path) -> None:
    """LoRAs of all sorts, whole and damaged."""
    folder.mkdir(parents=True)
    for name in (MINE, "Hyper-SD15-4steps-lora", "Hyper-SDXL-8steps-lora", "detail", *ODD_FILES):
        width = 2048 if "XL" in name else 768
        write_safetensors(folder / f"{name}.safetensors", {KOHYA_TO_K: (4, width)}, {"ss_output_name": f"{name}\ud800"})
    (folder / "Hyper-SD15-2steps-lora.safetensors").write_bytes(b"")
    (folder / "my-hyper-16step.safetensors").write_bytes(b"\xff" * 99)


# Bodies --------------------------------------------------------------------------------------------------------

BODIES: tuple[dict[str, Any], ...] = (
    {"prompt": "a red circle", "steps": 20, "hypersd": {}},
    {"prompt": "a <lora:hyper-sd15:0.5> # note", "cfg_scale": 7, "sampler_name": "Euler a", "scheduler": "Karras"},
    {
        "prompt": "a cat",
        "negative_prompt": "blur",
        "enable_hr": True,
        "hr_prompt": "<lora:hyper-sd15-4steps>",
        "hr_scale": 1.5,
        "hr_upscaler": "Latent",
        "denoising_strength": 0.55,
        "hr_second_pass_steps": 5,
        "hr_checkpoint_name": "Use same checkpoint",
        "hypersd": {"lora": MINE, "steps": 4, "hires": "tune", "weight": 0.8, "cfg": "recipe", "eta": 0.3},
    },
    {"prompt": "", "hypersd": {"hires": "always", "hires_scale": 2, "sampler": "Hyper-SD TCD", "enabled": True}},
    {
        "override_settings": {
            "sd_model_checkpoint": "miniature-sdxl",
            "hypersd_recipes": "sdxl: cfg 1.2",
            "hypersd_policy_sd15": ["keep CFG", "hires always"],
            "hypersd_prompt_tags": "all",
        },
        "prompt": f"<lora:{MINE}>",
        "seed": -1,
        "hr_cfg": 1.0,
        "hr_resize_x": 0,
        "alwayson_scripts": {"x": {"args": ["A" * 100]}},
    },
)
KEYS = (
    *dict.fromkeys(k for body in BODIES for k in (*body, *body.get("hypersd", {}), *body.get("override_settings", {}))),
)
WORDS = (
    *(*KEYS, MINE, "Hyper-SDXL-8steps-lora", "Hyper-SDXL-1step-Unet", "miniature-sdxl", "Use same sampler", "Euler"),
    *("<lora:hyper-sdxl>", "<lora:", "auto", "keep", "always", "8", "hyper-flux", "none", *ODD_FILES[:2]),
    *("refiner_checkpoint", "sampler_index", "width", "firstpass_image", "hr_distilled_cfg", "distilled_cfg_scale"),
)
BYTES = (
    *(b"{", b"}", b"[", b'"', b",", b":", b"\\", b"\\ud800", b"\xff", b"\xed\xa0\x80", b"\0", b"NaN", b"-Infinity"),
    *(
        b"1e999",
        b"9" * 5000,
        b"[" * 3000,
        b'{"a":' * 3000,
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b'"hypersd":',
        b"null",
        b"[],",
    ),
)


def written(case: Case, body: object) -> bytes:
    """A body as it is sent; now and then broken."""
    data = json.dumps(body, ensure_ascii=case.random() < 0.5).encode("utf8", "surrogatepass")
    return case.data((data,), BYTES) if case.random() < 0.2 else data


def answered(handler: Callable[[Any], Coroutine[Any, Any, Any]], chunks: Iterator[bytes]) -> tuple[int, Any]:
    """Status and answer of an endpoint's function, without a server around it."""
    from fastapi import HTTPException, Request

    from lib_hypersd.api.access import InvalidBodyError

    async def receive() -> dict[str, Any]:
        chunk = next(chunks, None)
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", b"application/json")]}
    try:
        answer = asyncio.run(handler(Request(scope, receive)))
        return answer.status_code, _strict(answer.body)
    except InvalidBodyError as error:
        refusal = error.answer()
        return refusal.status_code, _strict(refusal.body)
    except HTTPException as refused:
        return refused.status_code, refused.detail


def _strict(data: bytes) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    return json.loads(data.decode("ascii"), parse_constant=refuse)


def check_refusal(status: int, answer: Any) -> None:
    if status == 413:
        return
    (detail,) = answer["detail"]
    assert detail["loc"][0] == "body"
    assert 0 < len(detail["msg"]) < 1200
    assert all(len(part) <= 80 for part in detail["loc"])


# Targets -------------------------------------------------------------------------------------------------------


def plans() -> None:
    from modules import shared

    from lib_hypersd.api import plan as api

    before = dict(shared.opts.data)

    def check(case: Case) -> None:
        body = case.tree(case.choice(BODIES), WORDS)
        status, answer = answered(api.plan, iter([written(case, body)]))
        assert status in (200, 413, 422), (status, answer)
        if status != 200:
            check_refusal(status, answer)
            return
        assert isinstance(answer["active"], bool)
        assert all(isinstance(notice, str) for notice in answer["notices"])

    run_cases("plan", check)
    assert shared.opts.data == before
    body_of_100_mb = iter([b" " * 2**20] * 100)
    assert answered(api.plan, body_of_100_mb)[0] == 413
    assert len(list(body_of_100_mb)) == 98, "more was read than the bound"


def downloads() -> None:
    from lib_hypersd.api import downloads as download_api
    from lib_hypersd.downloads.state import Download
    from lib_hypersd.host import loras
    from lib_hypersd.models.catalog import BY_NAME

    started: list[str] = []

    def start(variant: Any) -> Download:
        started.append(variant.name)
        return Download("id", variant.name, "running", 0, variant.size, 0.0, None, "")

    loras.start_download = start
    good = {"name": MINE, "accept_licence": True}

    def check(case: Case) -> None:
        body = case.tree(good, ("name", "accept_licence", *BY_NAME, "../x", f"{MINE}.safetensors"))
        data = written(case, body)
        started.clear()
        status, answer = answered(download_api.begin, iter([data]))
        assert status in (202, 413, 422), (status, answer)
        if status != 202:
            check_refusal(status, answer)
            assert not started
        else:
            asked = json.loads(data)
            assert asked == {"name": started[0], "accept_licence": True}
            assert started[0] in BY_NAME

    run_cases("download", check)


def requests_by_http() -> None:
    """Any method, path, header and body, to a whole application."""
    from fastapi import FastAPI
    from fastapi.testclient import TestClient
    from modules import shared

    from lib_hypersd.api import downloads, plan, status
    from lib_hypersd.host import options

    app = FastAPI()
    for endpoints in (status, plan, downloads):
        app.include_router(endpoints.router)
    paths = (
        "status",
        "catalog",
        "plan",
        "plan",
        "plan",
        "download",
        "download",
        "download/1",
        "download/%2e%2e%2fx",
        "x",
    )
    headers = {
        "content-type": (
            "application/json",
            "text/plain",
            "application/json; charset=utf-16",
            "multipart/form-data",
            "",
        ),
        "authorization": ("Basic cGVyc29uOnNlY3JldA==", "Basic x", "Basic /////w==", "Basic", "Bearer a", "Basic OnA="),
        "origin": ("http://testserver", "null", "http://other.example", "\\"),
        "sec-fetch-site": ("same-origin", "cross-site", "x"),
    }
    may = {200, 202, 401, 403, 404, 405, 413, 415, 422}
    option = options.OPTION_DOWNLOAD_API

    def check(case: Case) -> None:
        shared.opts.data[option] = allowed = case.random() < 0.5
        shared.cmd_opts.api_auth = case.choice((None, "person:secret"))
        sent = {name: case.choice(values) for name, values in headers.items() if case.random() < 0.3}
        if case.random() < 0.6:
            sent["authorization"] = headers["authorization"][0]
        body = case.tree(case.choice((*BODIES, {"name": MINE, "accept_licence": False})), WORDS)
        method, path = case.choice(("GET", "POST", "POST", "DELETE", "PUT")), case.choice(paths)
        answer = client.request(method, f"/hypersd/v1/{path}", content=written(case, body), headers=sent)
        assert answer.status_code in may, (method, path, sent, answer.status_code, answer.text)
        if shared.cmd_opts.api_auth and sent.get("authorization") != headers["authorization"][0]:
            assert answer.status_code in (401, 403, 404, 405), (method, path, sent, answer.status_code)
        if "download" in path and not allowed:
            assert answer.status_code >= 400

    with TestClient(app, raise_server_exceptions=False) as client:
        run_cases("http", check)
        shared.cmd_opts.api_auth = None
        shared.opts.data[option] = False
        sizes = {
            "{}" + " " * 2**20: 413,
            "[" + "1," * 70_000 + "1]": 413,
            '{"prompt": "' + "x" * (2**20 - 100) + '"}': 200,
        }
        for large, status in sizes.items():
            answer = client.post("/hypersd/v1/plan", content=large)
            assert answer.status_code == status, answer.text[:300]


INFOTEXTS = (
    "a cat\nNegative prompt: blur\nSteps: 20, Sampler: Euler a, Schedule type: Automatic, CFG scale: 7.0, Size: 8x8",
    f"a <lora:{MINE}:1>\nSteps: 8, Sampler: Euler, Schedule type: SGM Uniform, CFG scale: 1.0, Hyper-SD: {MINE}, "
    'Hyper-SD weight: 1, Hyper-SD changes: "steps 20 → 8 (trained for 8), CFG 7 → 1 (recipe 1–1.5)"',
    "a\nSteps: 1, Sampler: Hyper-SD TCD, CFG scale: 1, Denoising strength: 0.56, Hires upscale: 1.5, Hires steps: 5, "
    "Hyper-SD: Hyper-SD15-1step-lora, Hyper-SD eta: 0.5, Hires CFG Scale: 1.0",
    'a\nSteps: 8, CFG scale: 3, Distilled CFG Scale: 3.5, Hyper-SD: none, Hyper-SD notice: "CFG 9, \\"x\\""',
)
INFOWORDS = (
    *(
        "Hyper-SD",
        "Hyper-SD eta",
        "Hyper-SD weight",
        "Steps",
        "Hires resize-1",
        ": ",
        ", ",
        "\n",
        '"',
        "\\",
        "8",
        "nan",
    ),
    *("\u00b2", "1e999", "-1", "Negative prompt: ", "8x8", "Denoising strength: nan", "\\u0000", "<lora:", "9" * 400),
)


def built_panel() -> Any:
    """The script of the txt2img tab with its real components."""
    import gradio as gr
    from modules import scripts

    runner = scripts.scripts_txt2img
    runner.initialize_scripts(is_img2img=False)
    script = next(s for s in runner.alwayson_scripts if s.title() == "Hyper-SD")
    with gr.Blocks():
        script.ui(False)
    return script


def pastes(script: Any) -> None:
    """The host's own reading of a text, our values, the host's own components."""
    from modules.infotext_utils import parse_generation_parameters

    from lib_hypersd.request.settings import from_positional

    def check(case: Case) -> None:
        params = parse_generation_parameters(case.text(INFOTEXTS, (*INFOWORDS, *ODD))[:3000])
        values = []
        for component, value_of in script.infotext_fields:
            values.append(value_of(params))
            component.postprocess(values[-1])
        from_positional(values)

    run_cases("pasted texts", check)


QUESTIONS = (
    {"number": 1, "checkpoint": "miniature-sd15", "loras": 1, "requests": []},
    {
        "number": 2,
        "requests": [{"key": "steps", "value": "keep"}, {"download": MINE, "accepted": False}, {"cancel": "x"}],
    },
)


def questions() -> None:
    """What the page asks the panel, by anybody who can reach the page."""
    from markup_check import check_markup

    from lib_hypersd.host import checkpoints, lists, loras
    from lib_hypersd.panel import listeners, preview
    from lib_hypersd.panel.page_components import PageComponents
    from lib_hypersd.request.settings import KEYS as PANEL
    from lib_hypersd.request.settings import PANEL_DEFAULTS

    started: list[Any] = []
    backend = listeners.PanelBackend(
        preview=preview.preview,
        choices=lists.panel_choices,
        checkpoint=lambda: checkpoints.selected_checkpoint().name,
        memory=lambda: None,
        download=lambda variant: started.append(variant),  # type: ignore[arg-type, return-value]
        folder=loras.folder_title,
    )
    page = PageComponents(
        "txt2img", components=dict.fromkeys(("prompt", "steps", "sampler_name", "enable_hr", "hr_prompt"))
    )
    answer = listeners.Listeners(page, backend).answer
    defaults = [getattr(PANEL_DEFAULTS, key) for key in PANEL]

    def check(case: Case) -> None:
        asked = case.tree(
            case.choice(QUESTIONS), ("number", "requests", "key", "value", *PANEL, "download", "accepted")
        )
        question = (
            json.dumps(asked) if case.random() < 0.8 else case.text(("{}", json.dumps(asked)), (*INFOWORDS, *ODD))
        )
        values: list[Any] = [case.text(("a", "<lora:hyper-sd15>"), WORDS), 20, "Euler", case.random() < 0.3, ""]
        panel = [case.random() < 0.7, *defaults[1:]]
        for _ in range(case.randint(0, 2)):
            panel[case.randrange(1, len(panel))] = case.choice((*ATOMS, *WORDS))
        lines = answer(question, *values, *panel)
        assert len(lines) == 4 + len(PANEL)
        for text in lines[:3]:
            check_markup(text)
        assert not started or '"accepted": true' in question

    run_cases("panel questions", check)


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        fill(Path(place) / "Lora")
        prepare(Path(place) / "Lora", Path(place) / "data")
        script = built_panel()
        plans()
        downloads()
        requests_by_http()
        pastes(script)
        questions()
    print(json.dumps(ran))


if __name__ == "__main__":
    main()
