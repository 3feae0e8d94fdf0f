"""Patchers and LoRAs."""
