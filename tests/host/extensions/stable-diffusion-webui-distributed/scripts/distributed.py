"""Stands for sd-webui-distributed: splits a batch over other WebUIs, whose addresses the option `distribute_to` has.

As it does: in `before_process` a request for each worker is made of *everything* that stands on `p` (prompt and hires
prompt as typed, styles by name, steps, sampler and schedule type as the page has them, override settings, and what
other extensions have put there) and of the always-on scripts' arguments by title; each worker's share of the batch
begins at the seed where the share before it ends. What a worker lists no script for is left out. In
`postprocess_batch_list` of the last batch the workers' pictures join the master's, in `postprocess` their infotexts do.
"""

import base64
import copy
import io
import json
import threading
import urllib.request

import numpy as np
import torch
from modules import errors, scripts, shared
from modules.processing import fix_seed
from PIL import Image

NOT_SENT = ("scripts_value", "script_args_value", "cached_c", "cached_uc", "cached_hr_c", "cached_hr_uc")


class Distribute(scripts.Script):
    def title(self):
        return "Distribute"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        return []

    def before_process(self, p):
        self.jobs = []
        fix_seed(p)
        held = {key: value for key, value in p.__dict__.items() if key not in NOT_SENT}
        body = {key: copy.deepcopy(value) for key, value in held.items() if _is_json(value)}
        body |= {"scripts": None, "sampler_index": p.sampler_name, "alwayson_scripts": _arguments(p)}
        if getattr(p, "init_images", None):
            body["init_images"] = [_data_url(image) for image in p.init_images]
        if getattr(p, "image_mask", None) is not None:
            body["mask"] = _data_url(p.image_mask)
        # Of what hosts leave on `p` after a run not all is JSON, and nothing is sent then; it must not be ours.
        fault = [key for key in held if "hypersd" in key and key not in body]
        ours = body["alwayson_scripts"]["Hyper-SD"]["args"]
        p.extra_generation_params["Sent"] = f"fault: {fault}" if fault else json.dumps(ours)
        workers = shared.opts.distribute_to.split()
        shares = [p.batch_size // (len(workers) + 1)] * (len(workers) + 1)
        for i in range(p.batch_size - sum(shares)):
            shares[i] += 1
        p.batch_size, before = shares[0], shares[0] * p.n_iter
        for worker, share in zip(workers, shares[1:], strict=True):
            if share:
                own = {"batch_size": share, "subseed": p.subseed + before}
                if p.subseed_strength == 0:
                    own["seed"] = p.seed + before
                self.jobs.append(Job(worker, {**body, **own}))
                before += share * p.n_iter

    def postprocess_batch_list(self, p, pp, batch_number):
        if batch_number + 1 < p.n_iter:
            return
        for job in self.jobs:
            job.thread.join()
            p.prompts += job.info.get("all_prompts", [])
            p.negative_prompts += job.info.get("all_negative_prompts", [])
            p.seeds += job.info.get("all_seeds", [])
            p.subseeds += job.info.get("all_subseeds", [])
            pp.images += [_tensor(image) for image in job.images]

    def postprocess(self, p, processed):
        place = len(processed.infotexts) - sum(len(job.images) for job in self.jobs)
        for job in self.jobs:
            for text in job.info.get("infotexts", []):
                processed.infotexts[place] = f"{text}, Worker Label: {job.url}"
                place += 1


class Job:
    """One worker's share, drawn in a thread."""

    def __init__(self, url, body):
        self.url, self.body, self.images, self.info = url, body, [], {}
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        try:
            kind = "img2img" if "init_images" in self.body else "txt2img"
            known = [s["name"] for s in _call(f"{self.url}/sdapi/v1/script-info") if s["is_alwayson"]]
            scripts_there = {k: v for k, v in self.body["alwayson_scripts"].items() if k.lower() in known}
            answer = _call(f"{self.url}/sdapi/v1/{kind}", {**self.body, "alwayson_scripts": scripts_there})
            self.info = json.loads(answer["info"])
            self.images = [Image.open(io.BytesIO(base64.b64decode(image))) for image in answer["images"]]
        except Exception:
            errors.report(f"no pictures from {self.url}", exc_info=True)


def _is_json(value):
    try:
        json.dumps(copy.deepcopy(value))
    except Exception:
        return False
    return True


def _arguments(p):
    others = (s for s in p.scripts.alwayson_scripts if s.title() != "Distribute")
    return {s.title(): {"args": list(p.script_args[s.args_from : s.args_to])} for s in others}


def _call(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, {"Content-Type": "application/json"})) as answer:
        return json.load(answer)


def _data_url(image):
    output = io.BytesIO()
    image.save(output, "PNG")
    return "data:image/png;base64," + base64.b64encode(output.getvalue()).decode()


def _tensor(image):
    return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).float() / 255


# Here and not with the page's settings, which a server without a page never asks for.
shared.opts.add_option(
    "distribute_to", shared.OptionInfo("", "Addresses of workers", section=("distribute", "Distribute"))
)
