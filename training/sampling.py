"""Samples from a trained model with CFG and PAG as diffusers' pipelines do: rows [uncond, cond, perturbed], DDIM.

The perturbed row's chosen `attn1` return V; diffusers' own PAG attention processors do that.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import (
    AttnProcessor2_0,
    PAGCFGIdentitySelfAttnProcessor2_0,
    PAGIdentitySelfAttnProcessor2_0,
)
from transformers import CLIPTextModel

from loop import device
from tokenizer import Encoder
from upscaler import restore

LAYERS = {
    "mid": ("mid_block.",),
    "4×4": ("down_blocks.1.", "mid_block.", "up_blocks.0."),
    "all": ("down_blocks.", "mid_block.", "up_blocks."),
}


@dataclass(frozen=True)
class Setting:
    pag: float
    cfg: float
    layers: str
    steps: int = 20


class Model:
    def __init__(self, folder: Path):
        self.encoder = Encoder(folder / "tokenizer" / "tokenizer.json")
        self.unet = UNet2DConditionModel.from_pretrained(folder / "unet").to(device()).eval()
        self.text_encoder = CLIPTextModel.from_pretrained(folder / "text_encoder", attn_implementation="eager").to(device()).eval()
        self.vae = AutoencoderKL.from_pretrained(folder / "vae").to(device()).eval()
        self.upscaler = restore(folder)
        self.scheduler = DDIMScheduler.from_pretrained(folder / "scheduler")

    def perturb(self, layers: str, processor) -> None:
        chosen = LAYERS[layers]
        self.unet.set_attn_processor({
            name: processor if ".attn1." in name and name.startswith(chosen) else AttnProcessor2_0()
            for name in self.unet.attn_processors
        })

    @torch.no_grad()
    def sample(self, prompts: list[str], setting: Setting, seed: int) -> torch.Tensor:
        """Images, float32 [n, 3, 128, 128] in about [−1, 1]."""
        return self.upscaler(self.small(prompts, setting, seed))

    @torch.no_grad()
    def small(self, prompts: list[str], setting: Setting, seed: int) -> torch.Tensor:
        """What the decoder draws of them in front of the upscaler, [n, 3, 64, 64]."""
        with_cfg, with_pag = setting.cfg > 1, setting.pag > 0
        if with_pag:
            self.perturb(setting.layers, PAGCFGIdentitySelfAttnProcessor2_0() if with_cfg else PAGIdentitySelfAttnProcessor2_0())
        else:
            self.unet.set_attn_processor(AttnProcessor2_0())
        texts = self.text_encoder(torch.tensor([self.encoder(p) for p in ["", *prompts]], device=device())).last_hidden_state
        uncond, cond = texts[:1].expand(len(prompts), -1, -1), texts[1:]
        context = torch.cat([*([uncond] if with_cfg else []), cond, *([cond] if with_pag else [])])
        shape = (self.unet.config.in_channels, self.unet.config.sample_size, self.unet.config.sample_size)
        # One draw a prompt: the first image of a seed is the same however many are asked for.
        noise = [torch.randn(shape, generator=torch.Generator().manual_seed(seed * 100_003 + i)) for i in range(len(prompts))]
        latents = torch.stack(noise).to(device())
        self.scheduler.set_timesteps(setting.steps)
        for timestep in self.scheduler.timesteps:
            rows = latents.repeat(len(context) // len(prompts), 1, 1, 1)
            with torch.autocast(device().type, dtype=torch.bfloat16):
                predictions = self.unet(rows, timestep, context).sample.float().chunk(len(context) // len(prompts))
            prediction = own = predictions[1 if with_cfg else 0]
            if with_cfg:
                prediction = predictions[0] + setting.cfg * (own - predictions[0])
            if with_pag:
                prediction = prediction + setting.pag * (own - predictions[-1])
            latents = self.scheduler.step(prediction, timestep, latents).prev_sample
        return self.vae.decode(latents / self.vae.config.scaling_factor).sample
