"""sha256 of model files. A1111 and reForge hash a LoRA without its safetensors header, Forge and Neo whole."""

import hashlib
import os

from modules import cache, shared
from modules.profiles import PROFILE


def calculate_sha256(filename: str) -> str:
    digest = hashlib.sha256()
    with open(filename, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def addnet_hash_safetensors(file) -> str:
    """sha256 of the tensors alone, so that edited metadata keeps the hash."""
    digest = hashlib.sha256()
    file.seek(0)
    file.seek(int.from_bytes(file.read(8), "little") + 8)
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()


def sha256_from_cache(filename, title, use_addnet_hash=False):
    entries = cache.cache("hashes-addnet" if use_addnet_hash else "hashes")
    try:
        mtime = os.path.getmtime(filename)
    except FileNotFoundError:
        return None
    entry = entries.get(title)
    return entry["sha256"] if entry and mtime <= entry["mtime"] else None


def sha256(filename, title, use_addnet_hash=False):
    known = sha256_from_cache(filename, title, use_addnet_hash)
    if known is not None or shared.cmd_opts.no_hashing:
        return known
    if use_addnet_hash and PROFILE.lora_hash == "addnet":
        with open(filename, "rb") as file:
            value = addnet_hash_safetensors(file)
    else:
        value = calculate_sha256(filename)
    entries = cache.cache("hashes-addnet" if use_addnet_hash else "hashes")
    entries[title] = {"mtime": os.path.getmtime(filename), "sha256": value}
    return value
