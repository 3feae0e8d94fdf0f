"""A stopwatch with named laps."""

import time


class Timer:
    def __init__(self):
        self.start = time.time()
        self.records: dict[str, float] = {}
        self.total = 0.0

    def record(self, category: str, extra_time: float = 0) -> None:
        """Add the time since the last lap to `category`."""
        now = time.time()
        elapsed, self.start = now - self.start + extra_time, now
        self.records[category] = self.records.get(category, 0) + elapsed
        self.total += elapsed

    def summary(self) -> str:
        laps = [f"{name}: {seconds:.1f}s" for name, seconds in self.records.items() if seconds >= 0.1]
        return f"{self.total:.1f}s" + (f" ({', '.join(laps)})" if laps else "")

    def dump(self) -> dict:
        return {"total": self.total, "records": self.records}

    def reset(self) -> None:
        self.__init__()


startup_timer = Timer()
startup_record = None
