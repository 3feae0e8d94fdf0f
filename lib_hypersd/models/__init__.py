"""What is there: checkpoints and LoRA files, and what is published for them."""
