"""The only package besides scripts/ that imports the host: it reads a Request from `p` and writes a Plan to `p`.

`p` is the host's `StableDiffusionProcessing`; its fields differ between A1111, reForge, Forge and Forge Neo, and are
looked up on the object itself, never by a version.
"""
