"""Tells of the server's memory, and of what in it is Hyper-SD's: objects alive, bytes allocated by its lines."""

import gc
import tracemalloc
from collections import Counter
from pathlib import Path

from modules import script_callbacks
from modules.processing import StableDiffusionProcessing

OURS = "lib_hypersd"
TRACED = [
    tracemalloc.Filter(True, f"*{OURS}*", all_frames=True),
    # It leaks 56 bytes of each tensor that it reads, at the host's own reads too (0.4.5).
    tracemalloc.Filter(False, "*/safetensors/torch.py"),
]
FRAMES = 4
"""A dataclass's own `__init__` or a library's function, called by a line of ours, counts as ours."""
KIB_PER_MB = 1e6 / 1024
_SIZES = {"Rss": "rss_mb", "Private_Clean": "uss_mb", "Private_Dirty": "uss_mb"}


def process():
    """Resident and private memory in MB (10^6 bytes) now; where there is no /proc, the highest resident one so far."""
    gc.collect()  # as Forge does before it loads a model: a run that is over may hold one in a reference cycle
    rollup = Path("/proc/self/smaps_rollup")
    if not rollup.exists():
        import resource  # not on Windows

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_MB
        return {"rss_mb": peak, "uss_mb": peak}
    found = Counter()
    for line in rollup.read_text().splitlines():
        name, _, size = line.partition(":")
        if name in _SIZES:
            found[_SIZES[name]] += int(size.split()[0]) * 1024 / 1e6
    return found


def own():
    """Objects of ours and the host's generations that are alive, by type; bytes allocated by our lines, once traced."""
    gc.collect()
    alive = Counter(type(x).__name__ for x in gc.get_objects() if str(type(x).__module__).startswith(OURS))
    alive["generations"] = sum(isinstance(x, StableDiffusionProcessing) for x in gc.get_objects())
    return {"alive": alive, "bytes": _traced()}


def _traced():
    """Bytes by the line of ours that allocated them, the innermost of them."""
    found = Counter()
    if tracemalloc.is_tracing():
        for trace in tracemalloc.take_snapshot().filter_traces(TRACED).traces:
            line = next(frame for frame in reversed(trace.traceback) if OURS in frame.filename)
            found[f"{line.filename.split(OURS)[-1]}:{line.lineno}"] += trace.size
    return found


def app_started(_demo, app):
    app.get("/memory-watcher/process")(process)
    app.get("/memory-watcher/own")(own)
    app.post("/memory-watcher/trace")(lambda: tracemalloc.start(FRAMES))
    app.post("/memory-watcher/untrace")(tracemalloc.stop)


script_callbacks.on_app_started(app_started)
