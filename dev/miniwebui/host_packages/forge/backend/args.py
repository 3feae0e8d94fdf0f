"""Facts about the loaded model that Forge keeps beside it."""

dynamic_args = {
    "forge_unet_storage_dtype": None,
    "online_lora": False,
    "embedding_dir": None,
    "emphasis_name": "Original",
}
