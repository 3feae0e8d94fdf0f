"""`shared.sd_model`: the miniature model behind the attributes that the host's model objects have."""

from __future__ import annotations

import math
import re
from pathlib import Path

import torch
from k_diffusion import external
from torch import Tensor, nn

from modules import host_layers, net_configs, prompt_parser, sd_families, shared, weight_storage
from modules.miniature_loader import Miniature, load_checkpoint, random_checkpoint
from modules.model_patcher import KModel, new_patcher
from modules.profiles import PROFILE
from modules.safetensors_header import read_header
from modules.sd_predictors import DiscretePredictor, FlowPredictor, FluxPredictor, ScheduleLinker
from modules.stats import STATS

_NOT_WORDS = re.compile(r"[()\[\]{}:]|\d+\.\d+|\bBREAK\b")
ATTENTION_STRENGTH = 1.0
_CPU = torch.device("cpu")


class ForgeObjects:
    """Forge's holder of the parts that extensions patch."""

    def __init__(self, unet, clip=None, vae=None, clipvision=None):
        self.unet, self.clip, self.vae, self.clipvision = unet, clip, vae, clipvision

    def shallow_copy(self):
        return ForgeObjects(self.unet, self.clip, self.vae, self.clipvision)


class _Vae:
    latent_channels = 4


class Engine(torch.nn.Module):
    """One loaded checkpoint. Its class is renamed per family, for extensions tell families by class name."""

    def __init__(self, miniature: Miniature, net: nn.Module, family: sd_families.Family, storage: str):
        super().__init__()
        self.miniature, self.family = miniature, family
        self.predictor = self._predictor()
        self.alphas_cumprod = (
            miniature.alphas_cumprod if family.flow_shift is None else 1 / (self.predictor.sigmas**2 + 1)
        )
        for flag in PROFILE.model_flags:
            setattr(self, flag, flag == family.flag)
        if hasattr(self, "use_distilled_cfg_scale"):
            self.use_distilled_cfg_scale = family.distilled_cfg
        if hasattr(self, "use_shift"):
            self.use_shift = family.uses_shift
        self.is_inpaint = self.is_sdxl_inpaint = self.tiling_enabled = False
        self.model = self._model(net, storage)
        self.cond_stage_key, self.parameterization, self.latent_channels = "txt", "eps", 4
        self.cond_stage_model = self.first_stage_model = None
        self.lowvram = False
        self.sd_checkpoint_info = self.sd_model_checkpoint = self.sd_model_hash = self.filename = None
        self.extra_generation_params: dict = {}
        self.comments: list[str] = []
        if PROFILE.loras.patches != "modules":
            self.current_lora_hash = str([])
            self.forge_objects = ForgeObjects(new_patcher(self.model), vae=_Vae())
            self.forge_objects_original = self.forge_objects.shallow_copy()
            self.forge_objects_after_applying_lora = self.forge_objects.shallow_copy()
        if PROFILE.forge_engine:
            self.model_config = type("ModelConfig", (), {"ztsnr": False})()

    def _model(self, net: nn.Module, storage: str) -> KModel:
        """A net with this host's layers, as the host wraps it."""
        host_layers.convert(net, storage)
        config, dtype = net_configs.config_of(self.family.name), weight_storage.STORAGE_DTYPES[storage]
        if dtype == "gguf" and PROFILE.loras.gguf_always_online:
            from backend.args import dynamic_args

            dynamic_args.online_lora = True
        net.dtype = net.computation_dtype = torch.float32
        net.storage_dtype, net.load_device, net.offload_device = dtype, _CPU, _CPU
        if PROFILE.forge_engine:
            net.config = config.unet_config
        kind = "KModel" if PROFILE.forge_engine else net_configs.KINDS[self.family.name].ldm_class
        return type(kind, (KModel,), {})(net, self.predictor, dtype, config)

    @property
    def net(self) -> nn.Module:
        return self.model.diffusion_model

    def prepare_sampling(self) -> None:
        """Bring the wanted LoRAs into the weights; A1111's layers do that themselves when they run."""
        if PROFILE.loras.patches == "modules":
            return
        unet = self.forge_objects.unet
        unet.merge()
        STATS.preserved_memory = getattr(unet, "extra_preserved_memory_during_sampling", 0)

    def _predictor(self):
        if self.family.flow_shift is None:
            return DiscretePredictor(self.miniature.alphas_cumprod)
        if self.family.forge_class == "Flux":
            return FluxPredictor(self.family.flow_shift)
        return FlowPredictor(self.family.flow_shift)

    def create_wrapper(self):
        """k-diffusion's view of this model: sigmas, sigma_to_t, and a call that denoises."""
        if PROFILE.forge_engine or self.family.flow_shift is not None:
            return ScheduleLinker(self.predictor, self)
        return external.CompVisDenoiser(self, quantize=PROFILE.whole_timesteps or shared.opts.enable_quantization)

    def set_clip_skip(self, clip_skip):
        """The miniature's text model has one layer."""

    def is_webui_legacy_model(self):
        return self.family.name in sd_families.LEGACY

    def ema_scope(self):
        return torch.no_grad()

    @torch.inference_mode()
    def get_learned_conditioning(self, prompts) -> Tensor:
        """Context [n, L, 768]. Attention weights scale it by their mean; distilled guidance a little too."""
        texts, scales = [], []
        for prompt in prompts:
            parts = [(x, weight) for x, weight in prompt_parser.parse_prompt_attention(prompt) if x != "BREAK"]
            texts.append(_NOT_WORDS.sub(" ", " ".join(text for text, _ in parts)))
            weights = [weight for text, weight in parts if text.strip()]
            scales.append(1.0 if not weights else sum(weights) / len(weights))
        context = self.miniature.text.encode(texts)
        scale = torch.tensor(scales).view(-1, 1, 1)
        guidance = getattr(prompts, "distilled_cfg_scale", None)
        if self.family.distilled_cfg and guidance:
            scale = scale * (1 + 0.05 * (guidance - 3.5))
        return context if torch.all(scale == 1) else context * scale

    def get_prompt_lengths_on_ui(self, prompt):
        count = len(prompt.split())
        return count, max(75, math.ceil(count / 75) * 75)

    @torch.inference_mode()
    def apply_model(self, x: Tensor, t: Tensor, cond) -> Tensor:
        """The net's answer. x [n,4,h,w], t [n] in 0..999 (FLUX: 0..1), cond [n,L,768] or A1111's dict of it."""
        if isinstance(cond, dict):
            cond = cond["c_crossattn"][0]
        if self.family.forge_class == "Flux":
            t = t * 1000
        STATS.evaluations += x.shape[0]
        STATS.timesteps.append(float(t[0]))
        return self.net(x, t.float(), cond)

    def get_first_stage_encoding(self, x: Tensor) -> Tensor:
        return x

    @torch.inference_mode()
    def encode_first_stage(self, x: Tensor) -> Tensor:
        """Pictures in -1..1 to latents."""
        return self.miniature.autoencoder.encode((x + 1) / 2)

    @torch.inference_mode()
    def decode_first_stage(self, x: Tensor) -> Tensor:
        """Latents to pictures in -1..1."""
        return self.miniature.autoencoder.decode(x) * 2 - 1


def _storage_of(shapes: sd_families.Shapes) -> str:
    """The storage that the command line asks for, else the checkpoint's own."""
    wanted = shared.cmd_opts.storage
    return "nf4" if not wanted and sd_families.is_nf4(shapes) and "nf4" in PROFILE.loras.storages else wanted


def load_engine(filename: str, seed: int) -> Engine:
    """The model of a checkpoint file. Other than miniatures get random weights of that seed."""
    _, shapes = read_header(filename)
    family = sd_families.variant_of(sd_families.detect(shapes), shapes, filename, PROFILE.families)
    if family.name not in PROFILE.families:
        raise ValueError("Failed to recognize model type!")
    if sd_families.is_miniature(shapes):
        miniature = load_checkpoint(Path(filename))
        net = miniature.unet
    else:
        miniature = random_checkpoint(seed)
        net = net_configs.build_net(family.name, miniature.unet, seed)
    name = family.forge_class if PROFILE.forge_engine else family.legacy_class
    return type(name, (Engine,), {})(miniature, net, family, _storage_of(shapes))
