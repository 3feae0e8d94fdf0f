"""`shared.sd_model`: the miniature model behind the attributes that the host's model objects have."""

from __future__ import annotations

import math
import re
from pathlib import Path
from types import SimpleNamespace

import torch
from k_diffusion import external
from torch import Tensor

from modules import prompt_parser, sd_families, shared
from modules.miniature_loader import Miniature, load_checkpoint, lora_modules, random_checkpoint
from modules.profiles import PROFILE
from modules.safetensors_header import read_header
from modules.sd_predictors import DiscretePredictor, FlowPredictor, FluxPredictor, ScheduleLinker
from modules.stats import STATS

_NOT_WORDS = re.compile(r"[()\[\]{}:]|\d+\.\d+|\bBREAK\b")
ATTENTION_STRENGTH = 1.0


class ForgeObjects:
    """Forge's holder of the parts that extensions patch."""

    def __init__(self, unet, clip=None, vae=None, clipvision=None):
        self.unet, self.clip, self.vae, self.clipvision = unet, clip, vae, clipvision

    def shallow_copy(self):
        return ForgeObjects(self.unet, self.clip, self.vae, self.clipvision)


class _KModel:
    """`forge_objects.unet.model`: the net and its predictor."""

    def __init__(self, diffusion_model, predictor):
        self.diffusion_model, self.predictor = diffusion_model, predictor
        self.model_sampling = predictor
        self.storage_dtype = self.computation_dtype = torch.float32


class _UnetPatcher:
    def __init__(self, model):
        self.model = model
        self.model_options: dict = {"transformer_options": {}}

    def clone(self):
        copy = _UnetPatcher(self.model)
        copy.model_options = {k: dict(v) if isinstance(v, dict) else v for k, v in self.model_options.items()}
        return copy


class _Vae:
    latent_channels = 4


class Engine(torch.nn.Module):
    """One loaded checkpoint. Its class is renamed per family, for extensions tell families by class name."""

    def __init__(self, miniature: Miniature, family: sd_families.Family, standin: bool):
        super().__init__()
        self.miniature, self.family, self.standin = miniature, family, standin
        self.original_weights = {name: m.weight.detach().clone() for name, m in lora_modules(miniature.unet).items()}
        self.network_layer_mapping = lora_modules(miniature.unet)
        self.predictor = self._predictor()
        self.alphas_cumprod = (
            miniature.alphas_cumprod if family.flow_shift is None else 1 / (self.predictor.sigmas**2 + 1)
        )
        for flag in PROFILE.model_flags:
            setattr(self, flag, flag == family.flag)
        if hasattr(self, "use_distilled_cfg_scale"):
            self.use_distilled_cfg_scale = family.distilled_cfg
        self.is_inpaint = self.is_sdxl_inpaint = self.tiling_enabled = False
        self.model = SimpleNamespace(conditioning_key="crossattn", diffusion_model=miniature.unet)
        self.cond_stage_key, self.parameterization, self.latent_channels = "txt", "eps", 4
        self.cond_stage_model = self.first_stage_model = None
        self.lowvram = False
        self.sd_checkpoint_info = self.sd_model_checkpoint = self.sd_model_hash = self.filename = None
        self.extra_generation_params: dict = {}
        self.comments: list[str] = []
        self.current_lora_hash = str([])
        if PROFILE.packages:
            unet = _UnetPatcher(_KModel(miniature.unet, self.predictor))
            self.forge_objects = ForgeObjects(unet, vae=_Vae())
            self.forge_objects_original = self.forge_objects.shallow_copy()
            self.forge_objects_after_applying_lora = self.forge_objects.shallow_copy()
        if PROFILE.forge_engine:
            self.model_config = type("ModelConfig", (), {"ztsnr": False})()

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
        return self.family.name in ("sd15", "sd21", "sdxl", "sdxl-refiner", "sd3")

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
        return self.miniature.unet(x, t.float(), cond)

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


def load_engine(filename: str, seed: int) -> Engine:
    """The model of a checkpoint file. Other than miniatures get random weights of that seed."""
    _, shapes = read_header(filename)
    family = sd_families.detect(shapes)
    if family.name not in PROFILE.families:
        raise ValueError("Failed to recognize model type!")
    own = sd_families.is_miniature(shapes)
    miniature = load_checkpoint(Path(filename)) if own else random_checkpoint(seed)
    name = family.forge_class if PROFILE.forge_engine else family.legacy_class
    return type(name, (Engine,), {})(miniature, family, standin=not own)
