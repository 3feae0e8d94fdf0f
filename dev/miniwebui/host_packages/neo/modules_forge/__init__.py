"""The package by which extensions know Forge's family."""
