"""Nets that A1111 brings with itself."""
