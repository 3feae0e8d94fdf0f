"""Data remembered by file and modification time, for this run only."""

import os

_caches: dict[str, dict] = {}


def cache(subsection: str) -> dict:
    return _caches.setdefault(subsection, {})


def dump_cache() -> None:
    """The real hosts write to disk here; runs of miniwebui don't influence each other."""


def cached_data_for_file(subsection, title, filename, func):
    """`func()` for this title, called again only when the file is newer."""
    entries, mtime = cache(subsection), os.path.getmtime(filename)
    entry = entries.get(title)
    if entry is None or mtime > entry["mtime"] or entry.get("filename") != filename:
        value = func()
        if value is None:
            return None
        entry = entries[title] = {"mtime": mtime, "filename": filename, "value": value}
    return entry["value"]
