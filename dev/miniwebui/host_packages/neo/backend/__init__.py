"""The package of Forge's own engine; here only its name and its arguments."""
