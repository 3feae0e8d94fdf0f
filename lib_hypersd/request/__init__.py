"""What is wanted: settings, standing defaults, the generation as the host is about to run it, its prompt tags."""
