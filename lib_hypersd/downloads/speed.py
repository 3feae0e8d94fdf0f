"""The speed of a download."""

from collections import deque
from collections.abc import Callable

WINDOW_S = 10.0
"""The speed is an average over the last so many seconds."""
SAMPLE_S = 0.25


class Speed:
    """Bytes per second over a sliding window."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._samples: deque[tuple[float, int]] = deque()
        self._bytes = 0

    def note(self, total: int, *, anew: bool = False) -> None:
        """So many bytes have arrived by now; `anew` forgets what was before."""
        now = self._clock()
        self._bytes = total
        if anew:
            self._samples.clear()
        if not self._samples or now - self._samples[-1][0] >= SAMPLE_S:
            self._samples.append((now, total))
        self._forget(now - WINDOW_S)

    def _forget(self, then: float) -> None:
        while len(self._samples) > 1 and self._samples[1][0] <= then:
            self._samples.popleft()

    def bytes_per_second(self) -> float:
        now = self._clock()
        self._forget(now - WINDOW_S)
        if not self._samples or now <= self._samples[0][0]:
            return 0.0
        then, before = self._samples[0]
        return max(self._bytes - before, 0) / (now - then)
