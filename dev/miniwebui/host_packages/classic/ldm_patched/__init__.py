"""The package of the engine that Forge Classic shares with reForge; here only its name."""
