"""What `run.py` runs, one module each, inside the project's own environment."""
