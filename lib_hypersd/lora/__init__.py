"""How a LoRA arrives at the net: branches beside its layers, and whether the host's own merge brought it there."""
