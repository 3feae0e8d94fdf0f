"""Facts about the loaded model that Neo keeps beside it."""

from types import SimpleNamespace

dynamic_args = SimpleNamespace(online_lora=False, nunchaku=False, klein=False, wan=False, pid=False)
