"""Samplers and schedule types as k-diffusion-style functions of torch; `names` alone needs no torch."""
