"""Checkpoints: the list of them, their names, and which one is loaded."""

from __future__ import annotations

import contextlib
import enum
import hashlib
import json
import math
import os
import re
import sys
import threading

from modules import cache, errors, hashes, paths_internal, script_callbacks, shared
from modules.profiles import PROFILE
from modules.sd_engine import Engine, load_engine
from modules.timer import Timer

model_dir = "Stable-diffusion"
model_path = os.path.abspath(os.path.join(paths_internal.models_path, model_dir))

checkpoints_list: dict[str, CheckpointInfo] = {}
checkpoint_aliases: dict[str, CheckpointInfo] = {}
checkpoint_alisases = checkpoint_aliases  # an old name's spelling that extensions still use
checkpoints_loaded: dict = {}


class ModelType(enum.Enum):
    SD1 = 1
    SD2 = 2
    SDXL = 3
    SSD = 4
    SD3 = 5


class CheckpointInfo:
    """A checkpoint file and the names by which it is known."""

    def __init__(self, filename):
        self.filename = filename
        self.is_safetensors = os.path.splitext(filename)[1].lower() == ".safetensors"
        folder = os.path.abspath(shared.cmd_opts.ckpt_dir or model_path)
        path = os.path.abspath(filename)
        name = os.path.relpath(path, folder) if path.startswith(folder + os.sep) else os.path.basename(filename)
        self.metadata = {}
        if self.is_safetensors:
            try:
                self.metadata = cache.cached_data_for_file(
                    "safetensors-metadata", f"checkpoint/{name}", filename, lambda: read_metadata(filename)
                )
            except Exception as e:
                errors.display(e, f"reading metadata for {filename}")
        self.name = name
        self.name_for_extra = os.path.splitext(os.path.basename(filename))[0]
        self.model_name = os.path.splitext(name.replace("/", "_").replace("\\", "_"))[0]
        self.hash = model_hash(filename)
        self.sha256 = hashes.sha256_from_cache(filename, f"checkpoint/{name}")
        self.shorthash = self.sha256[:10] if self.sha256 else None
        self._name_by_hash()
        self.ids = [self.hash, self.model_name, self.title, name, self.name_for_extra, f"{name} [{self.hash}]"]
        self.ids += self._hashed_ids()

    def _name_by_hash(self):
        suffix = f" [{self.shorthash}]" if self.shorthash else ""
        self.title, self.short_title = self.name + suffix, self.name_for_extra + suffix

    def _hashed_ids(self):
        if not self.shorthash:
            return []
        named = [f"{name} [{self.shorthash}]" for name in (self.name, self.name_for_extra)]
        return [self.shorthash, self.sha256, *named]

    def register(self):
        checkpoints_list[self.title] = self
        for alias in self.ids:
            checkpoint_aliases[alias] = self

    def calculate_shorthash(self):
        """Hash the file; from then on its title carries the hash."""
        self.sha256 = hashes.sha256(self.filename, f"checkpoint/{self.name}")
        if self.sha256 is None or self.shorthash == self.sha256[:10]:
            return self.shorthash
        self.shorthash, old_title = self.sha256[:10], self.title
        self._name_by_hash()
        self.ids += self._hashed_ids()
        entries = {self.title if k == old_title else k: v for k, v in checkpoints_list.items()}
        checkpoints_list.clear()
        checkpoints_list.update(entries)
        self.register()
        return self.shorthash

    def __str__(self):
        return str({"filename": self.filename, "hash": self.hash})

    __repr__ = __str__


def checkpoint_tiles(use_short=False):
    short = (lambda x: x.short_title) if use_short else (lambda x: x.name if PROFILE.forge_engine else x.title)
    return [short(x) for x in checkpoints_list.values()]


def list_models():
    checkpoints_list.clear()
    checkpoint_aliases.clear()
    for filename in shared.walk_files(shared.cmd_opts.ckpt_dir or model_path, {".ckpt", ".safetensors", ".gguf"}):
        CheckpointInfo(filename).register()


re_strip_checksum = re.compile(r"\s*\[[^]]+]\s*$")


def get_closet_checkpoint_match(search_string):  # the hosts' spelling
    """The checkpoint of that name, alias or part of a title."""
    if not search_string:
        return None
    if search_string in checkpoint_aliases:
        return checkpoint_aliases[search_string]
    for text in (search_string, re_strip_checksum.sub("", search_string)):
        found = sorted((x for x in checkpoints_list.values() if text in x.title), key=lambda x: len(x.title))
        if found:
            return found[0]
    return None


get_closest_checkpoint_match = get_closet_checkpoint_match


def match_checkpoint_to_name(name):
    """How the page's dropdown calls a checkpoint."""
    name = name.split(" [")[0]
    for info in checkpoints_list.values():
        title = info.title.split(" [")[0]
        if name in title or title in name:
            return info.short_title if shared.opts.sd_checkpoint_dropdown_use_short else info.name.split(" [")[0]
    return name


def model_hash(filename):
    """The old eight-digit hash of 64 KiB at 1 MiB."""
    try:
        with open(filename, "rb") as file:
            file.seek(0x100000)
            return hashlib.sha256(file.read(0x10000)).hexdigest()[:8]
    except FileNotFoundError:
        return "NOFILE"


DEFAULT_CHECKPOINT = "miniature-sd15"


def select_checkpoint():
    """The checkpoint of the setting; without one the trained miniature, else the first."""
    wanted = shared.opts.sd_model_checkpoint
    info = checkpoint_aliases.get(wanted)
    if info is not None:
        return info
    if not checkpoints_list:
        print("You do not have any model!")
        return None
    info = checkpoint_aliases.get(DEFAULT_CHECKPOINT) or next(iter(checkpoints_list.values()))
    if wanted is not None:
        print(f"Checkpoint {wanted} not found; loading fallback {info.title}", file=sys.stderr)
    return info


def read_metadata_from_safetensors(filename):
    """The header's `__metadata__`, with JSON in values decoded."""
    with open(filename, mode="rb") as file:
        length = int.from_bytes(file.read(8), "little")
        start = file.read(2)
        right = length > 2 and start in (b'{"', b"{'")
        assert right, f"{filename} is not a safetensors file"
        result = {}
        try:
            for key, value in json.loads(start + file.read(length - 2)).get("__metadata__", {}).items():
                result[key] = value
                if isinstance(value, str) and value[:1] == "{":
                    with contextlib.suppress(ValueError):
                        result[key] = json.loads(value)
        except Exception:
            errors.report(f"Error reading metadata from file: {filename}", exc_info=True)
        return result


read_metadata = read_metadata_from_safetensors


def read_state_dict(checkpoint_file, print_global_state=False, map_location=None):
    from safetensors.torch import load_file

    return load_file(checkpoint_file)


class SkipWritingToConfig:
    """While it is entered, loading a checkpoint does not write its name to the settings."""

    skip = False

    def __enter__(self):
        self.previous = SkipWritingToConfig.skip
        SkipWritingToConfig.skip = True
        return self

    def __exit__(self, *exc):
        SkipWritingToConfig.skip = self.previous


class FakeInitialModel:
    """What stands for the model on Forge and Neo until the first picture: it has no family."""

    def __init__(self):
        self.cond_stage_model = None
        self.chunk_length = 75

    def get_prompt_lengths_on_ui(self, prompt):
        count = len(prompt.replace(".", ",").replace(" ", ",").split(","))
        return count, math.ceil(max(count, 1) / self.chunk_length) * self.chunk_length


class SdModelData:
    """The loaded model; on A1111 and reForge asking for it loads it."""

    def __init__(self):
        self.sd_model = FakeInitialModel() if PROFILE.model_loading == "before_generation" else None
        self.loaded_sd_models: list[Engine] = []
        self.was_loaded_at_least_once = False
        self.forge_loading_parameters: dict = {}
        self.forge_hash = ""
        self.lock = threading.Lock()

    def get_sd_model(self):
        if PROFILE.model_loading == "before_generation" or self.was_loaded_at_least_once:
            return self.sd_model
        with self.lock:
            if self.sd_model is None and not self.was_loaded_at_least_once:
                try:
                    load_model()
                except Exception as e:
                    errors.display(e, "loading stable diffusion model")
                    print("\nStable diffusion model failed to load", file=sys.stderr)
        return self.sd_model

    def set_sd_model(self, v, already_loaded=False):
        self.sd_model = v
        self.loaded_sd_models = [v] if v is not None else []


model_data = SdModelData()


def load_model(checkpoint_info=None, already_loaded_state_dict=None):
    """Read a checkpoint and make it the model."""
    info = checkpoint_info or select_checkpoint()
    if info is None:
        raise ValueError("You do not have any model! Please download at least one model in [models/Stable-diffusion].")
    timer = Timer()
    shorthash = info.calculate_shorthash()
    print(f"Loading weights [{shorthash}] from {info.filename}")
    seed = int(shorthash or info.hash, 16) % 2**31
    model = load_engine(info.filename, seed)
    model.sd_checkpoint_info, model.filename = info, info.filename
    model.sd_model_checkpoint, model.sd_model_hash = info.filename, shorthash
    if not PROFILE.forge_engine and not SkipWritingToConfig.skip:
        shared.opts.data["sd_model_checkpoint"] = info.title
    shared.opts.data["sd_checkpoint_hash"] = info.sha256
    model_data.set_sd_model(model)
    model_data.was_loaded_at_least_once = True
    script_callbacks.model_loaded_callback(model)
    timer.record("load")
    print(f"Model loaded in {timer.summary()}.")
    return model


def reload_model_weights(sd_model=None, info=None, forced_reload=False):
    """A1111 and reForge: load the selected checkpoint if it isn't the loaded one."""
    info = info or select_checkpoint()
    current = sd_model or model_data.sd_model
    if current is not None and not forced_reload and info and current.sd_model_checkpoint == info.filename:
        return current
    return load_model(info)


def forge_model_reload():
    """Forge and Neo: (the model of the loading parameters, whether it was loaded just now)."""
    wanted = str(model_data.forge_loading_parameters)
    if model_data.forge_hash == wanted:
        return model_data.sd_model, False
    print(f"Loading Model: {wanted}")
    model = load_model(model_data.forge_loading_parameters["checkpoint_info"])
    model_data.forge_hash = wanted
    return model, True


def unload_model_weights(sd_model=None, info=None):
    """Nothing to free."""


def send_model_to_device(m):
    """There is one device."""


def apply_token_merging(sd_model, token_merging_ratio):
    """The miniature has too few tokens to merge."""


def apply_alpha_schedule_override(sd_model, p=None):
    """Only the default noise schedule."""
