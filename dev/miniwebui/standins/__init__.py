"""The default models: the trained miniature, stand-ins for other families, look-alikes of published LoRAs."""
