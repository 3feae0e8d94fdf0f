"""The only package besides scripts/ that meets the host: reads a Request from `p`, writes a Plan to `p`.

`p` is the host's `StableDiffusionProcessing`; which fields it has differs between A1111, reForge, Forge and Forge Neo
and is asked of the object itself, never of a version.
"""
