"""A miniature Stable Diffusion and its Hyper LoRAs: draws one captioned shape; see README.md."""
