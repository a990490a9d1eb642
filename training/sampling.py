"""Samples from a trained model with CFG and PAG as diffusers' pipelines do: rows [uncond, cond, perturbed], DDIM.

The perturbed row's chosen `attn1` return u·V + (1 − u)·softmax(QKᵀ/√d)·V; at u = 1 that is what diffusers' own PAG attention
processors do. Layers are named as the page names them: blocks with attention counted down (d), in the middle (m) and up (u).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor2_0
from transformers import CLIPTextModel

from loop import device, half_precision
from tokenizer import Encoder
from upscaler import restore

SITES = {
    "d0": "down_blocks.0.attentions.0.", "d1": "down_blocks.1.attentions.0.", "m0": "mid_block.attentions.0.",
    "u0": "up_blocks.0.attentions.0.", "u1": "up_blocks.0.attentions.1.",
    "u2": "up_blocks.1.attentions.0.", "u3": "up_blocks.1.attentions.1.",
}  # d0, u2 and u3 see 8×8 tokens, the others 4×4


@dataclass(frozen=True)
class Setting:
    """`until`: PAG acts in this share of the steps, from the first on. `rescale`: of PAG's share as ComfyUI's advanced node
    has it, mode `full`."""

    pag: float
    cfg: float
    layers: str = "m0"
    until: float = 1
    u: float = 1
    rescale: float = 0
    steps: int = 20

    def __str__(self) -> str:
        if not self.pag:
            return f"CFG {self.cfg:g}"
        extras = (("until", self.until, 1), ("u", self.u, 1), ("rescale", self.rescale, 0))
        said = "".join(f", {name} {value:g}" for name, value, usual in extras if value != usual)
        return f"CFG {self.cfg:g}, PAG {self.pag:g}, {self.layers}{said}"


def sites(layers: str) -> tuple[str, ...]:
    """`d1,m0,u0-1` → prefixes of module names."""
    found = []
    for part in layers.split(","):
        block, first, last = re.fullmatch(r"([dmu])(\d)(?:-(\d))?", part).groups()
        found += [SITES[f"{block}{n}"] for n in range(int(first), int(last or first) + 1)]
    return tuple(found)


class Perturbed:
    """An attention processor: in the last of `rows` parts of the batch attention becomes u·V + (1 − u)·attention."""

    def __init__(self, rows: int, u: float):
        self.rows, self.u = rows, u

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, temb=None):
        heads = lambda x: x.unflatten(2, (attn.heads, -1)).transpose(1, 2)  # noqa: E731
        value = attn.to_v(hidden_states)
        out = F.scaled_dot_product_attention(heads(attn.to_q(hidden_states)), heads(attn.to_k(hidden_states)), heads(value))
        out = out.transpose(1, 2).flatten(2)
        at = len(out) // self.rows * (self.rows - 1)
        out = torch.cat([out[:at], torch.lerp(out[at:], value[at:], self.u)])
        return attn.to_out[1](attn.to_out[0](out))


class Model:
    def __init__(self, folder: Path):
        self.encoder = Encoder(folder / "tokenizer" / "tokenizer.json")
        self.unet = UNet2DConditionModel.from_pretrained(folder / "unet").to(device()).eval()
        self.text_encoder = CLIPTextModel.from_pretrained(folder / "text_encoder", attn_implementation="eager").to(device()).eval()
        self.vae = AutoencoderKL.from_pretrained(folder / "vae").to(device()).eval()
        self.upscaler = restore(folder)
        self.scheduler = DDIMScheduler.from_pretrained(folder / "scheduler")

    def perturb(self, layers: str, rows: int, u: float) -> None:
        chosen = sites(layers)
        self.unet.set_attn_processor({
            name: Perturbed(rows, u) if ".attn1." in name and name.startswith(chosen) else AttnProcessor2_0()
            for name in self.unet.attn_processors
        })

    @torch.no_grad()
    def sample(self, prompts: list[str], setting: Setting, seed: int) -> torch.Tensor:
        """Images, float32 [n, 3, 128, 128] in about [−1, 1]."""
        return self.upscaler(self.small(prompts, setting, seed))

    @torch.no_grad()
    def small(self, prompts: list[str], setting: Setting, seed: int) -> torch.Tensor:
        """What the decoder draws of them in front of the upscaler, [n, 3, 64, 64]."""
        with_cfg = setting.cfg > 1
        texts = self.text_encoder(torch.tensor([self.encoder(p) for p in ["", *prompts]], device=device())).last_hidden_state
        uncond, cond = texts[:1].expand(len(prompts), -1, -1), texts[1:]
        own_rows = [uncond, cond] if with_cfg else [cond]
        shape = (self.unet.config.in_channels, self.unet.config.sample_size, self.unet.config.sample_size)
        # One draw a prompt: the first image of a seed is the same however many are asked for.
        noise = [torch.randn(shape, generator=torch.Generator().manual_seed(seed * 100_003 + i)) for i in range(len(prompts))]
        latents = torch.stack(noise).to(device())
        self.scheduler.set_timesteps(setting.steps)
        for step, timestep in enumerate(self.scheduler.timesteps):
            with_pag = setting.pag > 0 and step < round(setting.until * setting.steps)
            context = torch.cat([*own_rows, cond] if with_pag else own_rows)
            rows = len(context) // len(prompts)
            if with_pag:
                self.perturb(setting.layers, rows, setting.u)
            else:
                self.unet.set_attn_processor(AttnProcessor2_0())
            with half_precision():
                predictions = self.unet(latents.repeat(rows, 1, 1, 1), timestep, context).sample.float().chunk(rows)
            prediction = own = predictions[1 if with_cfg else 0]
            if with_cfg:
                prediction = predictions[0] + setting.cfg * (own - predictions[0])
            if with_pag:
                push = setting.pag * (own - predictions[-1])
                prediction = prediction + self.rescaled(push, own, prediction, latents, timestep, setting.rescale)
            latents = self.scheduler.step(prediction, timestep, latents).prev_sample
        return self.vae.decode(latents / self.vae.config.scaling_factor).sample

    def rescaled(self, push, own, without, latents, timestep, share: float) -> torch.Tensor:
        """F·push with F = share·std(D_c)/std(D_cfg + G) + 1 − share, where D = αx − σv are pictures and G = −σ·push."""
        if not share:
            return push
        alpha = self.scheduler.alphas_cumprod[timestep]
        clean = lambda v: alpha.sqrt() * latents - (1 - alpha).sqrt() * v  # noqa: E731
        spread = lambda x: x.std(dim=(1, 2, 3), keepdim=True)  # noqa: E731
        return push * (share * spread(clean(own)) / spread(clean(without + push)) + 1 - share)
