"""Work for clients and pages, off the WebUI's event loop, a little at a time."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

MOST_AT_ONCE = 2
"""Python runs one thread at a time, and each that computes makes the others wait for 5 ms a turn. In the WebUI's own
pool forty plans at once would delay a picture's steps, and leave no thread for the WebUI's progress."""
MOST_INPUT = 1024 * 1024
"""Bytes of a body, and characters of a page's texts, from which a plan is made: ten times the longest prompt that was
ever of use."""

_threads = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="hypersd")


def off_the_loop(work: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """A coroutine function that does `work` in a thread, so that the WebUI answers others meanwhile.

    Its signature is `work`'s, by which FastAPI and gradio know what to pass.
    """

    @wraps(work)
    async def done(*args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(_threads, partial(work, *args, **kwargs))

    return done
