"""Registers the LoRA network with prompts, settings, the API and pasted infotexts."""

import re

import extra_networks_lora
import gradio as gr
import layer_weights
import lora  # noqa: F401
import network_names
import networks

from modules import extra_networks, script_callbacks, shared
from modules.profiles import PROFILE


def before_ui():
    networks.extra_network_lora = extra_networks_lora.ExtraNetworkLora()
    extra_networks.register_extra_network(networks.extra_network_lora)
    extra_networks.register_extra_network_alias(networks.extra_network_lora, "lyco")


script_callbacks.on_before_ui(before_ui)
if PROFILE.loras.patches == "modules":
    layer_weights.install()
    script_callbacks.on_model_loaded(network_names.assign_network_names_to_compvis_modules)

shared.options_templates.update(
    shared.options_section(
        ("extra_networks", "Extra Networks"),
        {
            "sd_lora": shared.OptionInfo(
                "None",
                "Add network to prompt",
                gr.Dropdown,
                lambda: {"choices": ["None", *networks.available_networks]},
                refresh=networks.list_available_networks,
            ),
            "lora_preferred_name": shared.OptionInfo(
                "Alias from file", "Refer to Lora by", gr.Radio, {"choices": ["Alias from file", "Filename"]}
            ),
            "lora_add_hashes_to_infotext": shared.OptionInfo(True, "Add Lora hashes to infotext"),
            "lora_show_all": shared.OptionInfo(False, "Show all networks"),
            "lora_in_memory_limit": shared.OptionInfo(0, "Networks kept in memory", gr.Number, {"precision": 0}),
            "lora_not_found_warning_console": shared.OptionInfo(False, "Lora not found warning in console"),
        },
    )
)


def api_networks(_, app):
    # As on the hosts, these two routes don't ask for the API's credentials.
    @app.get("/sdapi/v1/loras")
    async def get_loras():
        return [
            {"name": x.name, "alias": x.alias, "path": x.filename, "metadata": x.metadata}
            for x in networks.available_networks.values()
        ]

    @app.post("/sdapi/v1/refresh-loras")
    async def refresh_loras():
        return networks.list_available_networks()


script_callbacks.on_app_started(api_networks)

re_lora = re.compile("<lora:([^:]+):")


def infotext_pasted(infotext, d):
    """A pasted tag whose hash is known here under another name gets that name."""
    text = d.get("Lora hashes")
    if not text:
        return
    pairs = (x.strip().split(":", 1) for x in text.split(","))
    hashes = {pair[0].strip(): pair[1].strip() for pair in pairs if len(pair) == 2}

    def replacement(match):
        known = networks.available_network_hash_lookup.get(hashes.get(match.group(1)))
        return match.group(0) if known is None else f"<lora:{known.get_alias()}:"

    d["Prompt"] = re_lora.sub(replacement, d["Prompt"])


script_callbacks.on_infotext_pasted(infotext_pasted)
networks.list_available_networks()
