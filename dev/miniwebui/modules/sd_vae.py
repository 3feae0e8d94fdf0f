"""No separate VAE files: every checkpoint brings its own."""

vae_dict: dict[str, str] = {}


def get_loaded_vae_name():
    return None


def get_loaded_vae_hash():
    return None


def refresh_vae_list():
    """There is none to list."""


def reload_vae_weights(sd_model=None, vae_file=None):
    """There is none to load."""
