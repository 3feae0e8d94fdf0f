"""The endpoints under /hypersd/v1."""
