"""The downloads of this process, by id and by file."""

import threading
import time
from collections.abc import Callable, Sequence

from ..models.catalog import Variant
from .job import RETRY_S, Job
from .state import Download

KEPT = 100
"""So many downloads are known by their id; then the oldest finished ones are forgotten."""


class Downloads:
    """The downloads of one process: different files side by side, one at a time of the same file."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, retry_s: Sequence[float] = RETRY_S) -> None:
        self._clock, self._retry_s = clock, tuple(retry_s)
        self._lock = threading.Lock()
        self._by_id: dict[str, Job] = {}
        self._latest: dict[str, Job] = {}

    def start(self, variant: Variant, folder: str, *, done: Callable[[], None]) -> Download:
        """Begin to download a file, or join the download of it that is under way.

        `done` is called in the download's thread when the file is in place. Nothing is raised: what goes wrong is
        in the download's state and message. A whole file of that name stays as it is, a damaged one is replaced.
        """
        with self._lock:
            before = self._latest.get(variant.name)
            if before is not None and before.active:
                return before.snapshot()
            job = Job(variant, folder, done, self._clock, self._retry_s, after=before)
            self._by_id[job.id] = self._latest[variant.name] = job
            self._forget_old()
        job.start()
        return job.snapshot()

    def get(self, id: str) -> Download | None:
        job = self._by_id.get(id)
        return job.snapshot() if job else None

    def of(self, variant_name: str) -> Download | None:
        """The latest download of a file."""
        job = self._latest.get(variant_name)
        return job.snapshot() if job else None

    def cancel(self, id: str) -> Download | None:
        """Cancel a download, unless it has ended already. It counts as cancelled at once; its part is removed when its
        thread notices, at the latest when the connection times out."""
        job = self._by_id.get(id)
        return job.cancel() if job else None

    def join(self, id: str, timeout_s: float | None = None) -> Download | None:
        """Wait until a download's thread has ended; its state by then."""
        job = self._by_id.get(id)
        if job is None:
            return None
        job.join(timeout_s)
        return job.snapshot()

    def _forget_old(self) -> None:
        for job in list(self._by_id.values()):
            if len(self._by_id) <= KEPT:
                return
            if not job.active and self._latest.get(job.variant.name) is not job:
                del self._by_id[job.id]


registry = Downloads()
"""The downloads of this process."""
