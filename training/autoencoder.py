"""Trains the autoencoder, diffusers' AutoencoderKL at f8: [3, 64, 64] ↔ [12, 8, 8].

    python training/autoencoder.py DATA OUT SECONDS            encoder and decoder together
    python training/autoencoder.py DATA OUT SECONDS --decoder  the decoder alone, on the latents as they are

The pictures are the data's, averaged to 64×64; `upscaler.py` trains what draws them at 128×128. The loss is L1 on pixels
and on differences of neighbours (edges), with a KL term just large enough to keep the latents near a unit normal.
`--decoder` leaves the encoder, and so a UNet that was trained on its latents, valid.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL

from dataset import DataSet, load
from loop import Loop, cosine, device, half_precision, set_rate
from norm import use_fast_norms

BATCH, PEAK, WARM_UP, KL = 16, 2e-3, 50, 3e-4
DECODER_PEAK, LATENT_NOISE, EDGE = 1e-3, 0.08, 64
LEVELS = (16, 32, 64, 96)


def build() -> AutoencoderKL:
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * len(LEVELS), up_block_types=("UpDecoderBlock2D",) * len(LEVELS),
        block_out_channels=LEVELS, layers_per_block=1, latent_channels=12, norm_num_groups=8, sample_size=EDGE, scaling_factor=1.0,
    )


def reconstruction_loss(made: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    def edges(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]

    of_edges = sum((a - b).abs().mean() for a, b in zip(edges(made), edges(wanted), strict=True))
    return (made - wanted).abs().mean() + 0.5 * of_edges


def pixels(data: DataSet, indices: np.ndarray, flip: np.ndarray | None = None) -> torch.Tensor:
    """float32 [n, 3, 64, 64] in [−1, 1], channels last."""
    small = F.adaptive_avg_pool2d(data.pixels(indices, flip), EDGE)
    return small.to(device(), memory_format=torch.channels_last)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("data", type=Path)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("seconds", type=float)
    arguments.add_argument("--decoder", action="store_const", const="decoder", default="autoencoder", dest="part")
    options = arguments.parse_args()
    part = options.part
    torch.manual_seed(0)
    chance = np.random.default_rng(0)
    data = load(options.data)
    model = build() if part == "autoencoder" else AutoencoderKL.from_pretrained(options.out / "vae")
    model = use_fast_norms(model.to(device()))
    if part == "decoder":
        model.requires_grad_(False)
        for trained in (model.decoder, model.post_quant_conv):
            trained.requires_grad_(True)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, PEAK, betas=(0.9, 0.99), weight_decay=0.01)
    loop = Loop(options.out / f"{part}.pt", {"model": model, "optimizer": optimizer}, options.seconds)
    for progress in loop:
        set_rate(optimizer, cosine(progress, loop.step, DECODER_PEAK if part == "decoder" else PEAK, WARM_UP))
        x = pixels(data, chance.choice(data.train, BATCH), chance.random(BATCH) < 0.5)
        with half_precision():
            posterior = model.encode(x).latent_dist
            if part == "decoder":
                z = posterior.mean
                z = z + LATENT_NOISE / model.config.scaling_factor * torch.randn_like(z)
            else:
                z = posterior.sample()
            made = model.decode(z).sample.float()
        loss = reconstruction_loss(made, x)
        total = loss if part == "decoder" else loss + KL * posterior.kl().float().mean() / posterior.mean[0].numel()
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        loop.losses.append(loss.item())
    finish(model, data, options.out / "vae", part)


@torch.no_grad()
def finish(model: AutoencoderKL, data: DataSet, folder: Path, part: str) -> None:
    """Saves it, with the scaling factor that gives latents of unit variance; a UNet that stands keeps its own."""
    model.eval()
    factor = round(1 / model.encode(pixels(data, data.train[:512])).latent_dist.mean.std().item(), 4)
    if part == "autoencoder":
        model.register_to_config(scaling_factor=factor)
    model.save_pretrained(folder)
    for which, indices in (("train", data.train[:256]), ("held out", data.test)):
        x = pixels(data, indices)
        print(f"L1 {which}: {(model.decode(model.encode(x).latent_dist.mean).sample - x).abs().mean().item():.4f}")
    print("scaling factor", model.config.scaling_factor, "that of these latents", factor)


if __name__ == "__main__":
    main()
