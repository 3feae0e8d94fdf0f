"""Hyper-SD LoRAs that work right in Stable Diffusion WebUIs.

One way through: request → `Settings` → `Checkpoint` and LoRA files → `plan()` → `Plan` → applied to the host's
`p` → infotext. Only `host/` and `scripts/` import the host's `modules`.
"""

VERSION = "0.1.0"
TITLE = "Hyper-SD"
