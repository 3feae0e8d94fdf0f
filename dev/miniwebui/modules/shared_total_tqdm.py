"""The hosts' second console bar, which counts a whole job's steps; here only the counter."""


class TotalTQDM:
    def __init__(self):
        self.steps, self.expected = 0, 0

    def reset(self):
        self.steps = self.expected = 0

    def update(self):
        self.steps += 1

    def updateTotal(self, new_total):  # noqa: N802
        self.expected = new_total

    def clear(self):
        self.reset()
