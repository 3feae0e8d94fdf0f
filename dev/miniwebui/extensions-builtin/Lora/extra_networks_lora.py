"""<lora:NAME:TE:UNET:DYN> and <lora:NAME:te=…:unet=…>."""

import networks

from modules import extra_networks, shared


class ExtraNetworkLora(extra_networks.ExtraNetwork):
    remove_symbols = str.maketrans("", "", ":,")

    def __init__(self):
        super().__init__("lora")
        self.errors = {}

    def activate(self, p, params_list):
        self.errors.clear()
        additional = shared.opts.sd_lora
        typed = any(x.items[0] == additional for x in params_list)
        if additional != "None" and additional in networks.available_networks and not typed:
            multiplier = shared.opts.extra_networks_default_multiplier
            p.all_prompts = [x + f"<lora:{additional}:{multiplier}>" for x in p.all_prompts]
            params_list.append(extra_networks.ExtraNetworkParams(items=[additional, multiplier]))

        names, te_multipliers, unet_multipliers, dyn_dims = [], [], [], []
        for params in params_list:
            assert params.items
            positional, named = params.positional, params.named
            names.append(positional[0])
            te = float(named.get("te", positional[1] if len(positional) > 1 else 1.0))
            unet = float(named.get("unet", positional[2] if len(positional) > 2 else te))
            dyn = named.get("dyn", positional[3] if len(positional) > 3 else None)
            te_multipliers.append(te)
            unet_multipliers.append(unet)
            dyn_dims.append(None if dyn is None else int(dyn))
        networks.load_networks(names, te_multipliers, unet_multipliers, dyn_dims)
        if shared.opts.lora_add_hashes_to_infotext:
            self._note_hashes(p)

    def _note_hashes(self, p):
        if not getattr(p, "is_hr_pass", False) or not hasattr(p, "lora_hashes"):
            p.lora_hashes = {}
        for item in networks.loaded_networks:
            if item.network_on_disk.shorthash and item.mentioned_name:
                p.lora_hashes[item.mentioned_name.translate(self.remove_symbols)] = item.network_on_disk.shorthash
        if p.lora_hashes:
            p.extra_generation_params["Lora hashes"] = ", ".join(f"{k}: {v}" for k, v in p.lora_hashes.items())

    def deactivate(self, p):
        if self.errors:
            p.comment("Networks with errors: " + ", ".join(f"{k} ({v})" for k, v in self.errors.items()))
            self.errors.clear()
