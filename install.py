"""The hosts run this before they start. The extension needs nothing that they don't bring: torch, gradio, safetensors."""
