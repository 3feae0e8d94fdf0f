"""The package of reForge's engine; here only its name."""
