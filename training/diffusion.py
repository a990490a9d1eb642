"""Trains text encoder and UNet on the autoencoder's latents: v-prediction on Stable Diffusion's schedule.

    python training/diffusion.py DATA OUT SECONDS            from random weights
    python training/diffusion.py DATA OUT SECONDS --resume   from OUT/unet and OUT/text_encoder

CLIPTextModel and UNet2DConditionModel in miniature: two levels (8×8 and 4×4 latents), one ResNet and transformer a
level, so seven self-attention sites. Loss: ‖v̂ − v‖² weighted by min(SNR, 5) / (SNR + 1) (Hang et al. 2023, for
v). OUT/unet and OUT/text_encoder hold the moving average of the weights. With `--resume` the learning
rate rises to a quarter.
"""

from __future__ import annotations

import argparse
import copy
import random
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from transformers import CLIPTextConfig, CLIPTextModel

from autoencoder import pixels
from dataset import caption, load
from loop import Loop, cosine, device, half_precision, set_rate
from tokenizer import BEGIN, END, LENGTH, PAD, Encoder

BATCH, PEAK, RESUMED_PEAK, WIDTH, SNR_CAP = 64, 1e-3, 2.5e-4, 128, 5.0
SCHEDULER = {
    "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "prediction_type": "v_prediction",
    "clip_sample": False, "set_alpha_to_one": False, "steps_offset": 0, "timestep_spacing": "trailing",
}


def build_text_encoder(encoder: Encoder) -> CLIPTextModel:
    special = encoder.tokenizer.token_to_id
    return CLIPTextModel(CLIPTextConfig(
        vocab_size=encoder.tokenizer.get_vocab_size(), hidden_size=WIDTH, intermediate_size=4 * WIDTH, num_hidden_layers=2,
        num_attention_heads=4, max_position_embeddings=LENGTH, bos_token_id=special(BEGIN), eos_token_id=special(END),
        pad_token_id=special(PAD), attn_implementation="eager",
    ))


def build_unet(latent_channels: int) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=8, in_channels=latent_channels, out_channels=latent_channels, block_out_channels=(128, 192),
        down_block_types=("CrossAttnDownBlock2D",) * 2, up_block_types=("CrossAttnUpBlock2D",) * 2, layers_per_block=1,
        cross_attention_dim=WIDTH, attention_head_dim=(4, 6),
    )


class Denoiser(torch.nn.Module):
    """(noisy latents, timesteps, token ids) → v̂."""

    def __init__(self, unet: UNet2DConditionModel, text_encoder: CLIPTextModel):
        super().__init__()
        self.unet, self.text_encoder = unet, text_encoder

    def forward(self, latents: torch.Tensor, timesteps: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        return self.unet(latents, timesteps, self.text_encoder(ids).last_hidden_state).sample


@torch.no_grad()
def encode_all(data, autoencoder: AutoencoderKL) -> torch.Tensor:
    """Latents of every image and of its mirror image: [2, n, channels, 8, 8], scaled to unit variance."""
    everything = np.arange(len(data.images))
    sides = []
    for flip in (False, True):
        chunks = np.array_split(everything, 16)
        means = [autoencoder.encode(pixels(data, chunk, np.full(len(chunk), flip))).latent_dist.mean for chunk in chunks]
        sides.append(torch.cat(means))
    return torch.stack(sides) * autoencoder.config.scaling_factor


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("data", type=Path)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("seconds", type=float)
    arguments.add_argument("--resume", action="store_true")
    options = arguments.parse_args()
    folder, out = options.data, options.out
    torch.manual_seed(0)
    chance, draw = random.Random(0), np.random.default_rng(0)
    data, encoder = load(folder), Encoder(out / "tokenizer" / "tokenizer.json")
    autoencoder = AutoencoderKL.from_pretrained(out / "vae").to(device())
    latents = encode_all(data, autoencoder)
    if options.resume:
        text_encoder = CLIPTextModel.from_pretrained(out / "text_encoder", attn_implementation="eager")
        unet = UNet2DConditionModel.from_pretrained(out / "unet")
        model = Denoiser(unet, text_encoder).train().to(device())
    else:
        model = Denoiser(build_unet(latents.shape[2]), build_text_encoder(encoder)).to(device())
    peak = RESUMED_PEAK if options.resume else PEAK
    if device().type == "cpu":
        # For 64 tokens plain attention is faster there than PyTorch's fused one, whose backward pass takes 40 % of a step.
        model.unet.set_attn_processor(AttnProcessor())
    average = copy.deepcopy(model).eval().requires_grad_(False)
    optimizer = torch.optim.AdamW(model.parameters(), peak, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    noise_levels = DDIMScheduler(**SCHEDULER)
    alphas = noise_levels.alphas_cumprod.to(device())
    state = {"model": model, "average": average, "optimizer": optimizer}
    loop = Loop(out / "diffusion.pt", state, options.seconds)
    print(f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters", flush=True)
    for progress in loop:
        set_rate(optimizer, cosine(progress, loop.step, peak))
        indices = draw.choice(data.named, BATCH)
        z = latents[draw.integers(0, 2, BATCH), indices]
        ids = torch.tensor([encoder(caption(data.emoji[i], chance, encoder.known)) for i in indices], device=device())
        timesteps = torch.randint(0, len(alphas), (BATCH,), device=device())
        noise = torch.randn_like(z)
        noisy = noise_levels.add_noise(z, noise, timesteps)
        wanted = noise_levels.get_velocity(z, noise, timesteps)
        with half_precision():
            made = model(noisy, timesteps, ids).float()
        snr = alphas[timesteps] / (1 - alphas[timesteps])
        errors = (made - wanted).square().mean(dim=(1, 2, 3))
        loss = (errors * snr.clamp(max=SNR_CAP) / (snr + 1)).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        decay = min(0.9995, (1 + loop.step) / (10 + loop.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)
        loop.losses.append(errors.mean().item())
    average.unet.save_pretrained(out / "unet")
    average.text_encoder.save_pretrained(out / "text_encoder")
    noise_levels.save_pretrained(out / "scheduler")


if __name__ == "__main__":
    main()
