"""The published files, from the Hugging Face hub into the LoRA folder."""
