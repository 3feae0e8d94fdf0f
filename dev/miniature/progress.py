"""A line that says how far a long job is: redrawn on a terminal, printed now and then elsewhere."""

from __future__ import annotations

import sys
import time

PRINTS = 40
"""Lines per job where nothing can be redrawn."""


class Progress:
    """Counts up to `total`; the estimate leaves out what was done before this process (a resumed job)."""

    def __init__(self, label: str, total: int, done: int = 0) -> None:
        self.label, self.total, self.done = label, total, done
        self._before, self._start = done, time.monotonic()
        self._live = sys.stderr.isatty()
        self._every = max(1, total // PRINTS)

    def advance(self, note: str = "") -> None:
        """One more is done; `note` (a loss, say) goes to the end of the line."""
        self.done += 1
        if self._live or self.done % self._every == 0 or self.done == self.total:
            line = f"{self.label} {self.done}/{self.total} {self._times()} {note}"
            end = "\n" if not self._live or self.done == self.total else ""
            print(("\r\x1b[K" if self._live else "") + line, end=end, file=sys.stderr, flush=True)

    def _times(self) -> str:
        spent = time.monotonic() - self._start
        left = spent / (self.done - self._before) * (self.total - self.done)
        return f"{_clock(spent)} spent, {_clock(left)} left"


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"
