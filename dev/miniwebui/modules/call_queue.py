"""One generation at a time, and what becomes of one that fails."""

from __future__ import annotations

import html
import threading
import time
import traceback
from collections.abc import Callable
from functools import wraps

from modules import progress, shared

queue_lock = threading.Lock()
"""Held by whoever generates, page or API."""


def wrap_queued_call(func: Callable) -> Callable:
    """Let a function wait for its turn."""

    @wraps(func)
    def queued(*args, **kwargs):
        with queue_lock:
            return func(*args, **kwargs)

    return queued


def wrap_gradio_gpu_call(func: Callable, extra_outputs: list | None = None) -> Callable:
    """Let a function wait for its turn, as a task that the page can follow.

    The first argument is the task's id, ``task(...)``, as javascript/ui.js makes it.
    """

    @wraps(func)
    def as_task(*args, **kwargs):
        first = args[0] if args else None
        is_task = isinstance(first, str) and first.startswith("task(") and first.endswith(")")
        id_task = first if is_task else None
        if id_task is not None:
            progress.add_task_to_queue(id_task)
        with queue_lock:
            shared.state.begin(job=id_task)
            progress.start_task(id_task)
            try:
                res = func(*args, **kwargs)
                progress.record_results(id_task, res)
            finally:
                progress.finish_task(id_task)
                shared.state.end()
        return res

    return wrap_gradio_call(as_task, extra_outputs=extra_outputs, add_stats=True)


def wrap_gradio_call(func: Callable, extra_outputs: list | None = None, add_stats: bool = False) -> Callable:
    """Show a function's exception in the last output; ``add_stats`` adds the time taken."""

    @wraps(func)
    def guarded(*args, **kwargs):
        start = time.perf_counter()
        try:
            res = list(func(*args, **kwargs))
        except Exception as error:
            traceback.print_exc()
            message = html.escape(f"{type(error).__name__}: {error}")
            res = [*(extra_outputs or [None, ""]), f"<div class='error'>{message}</div>"]
        finally:
            shared.state.skipped = False
            shared.state.interrupted = False
            shared.state.job_count = 0
        if add_stats:
            taken = f"{time.perf_counter() - start:.1f} sec."
            res[-1] += (
                "<div class='performance'><p class='time'>Time taken: "
                f"<wbr><span class='measurement'>{taken}</span></p></div>"
            )
        return tuple(res)

    return guarded


wrap_gradio_call_no_job = wrap_gradio_call
