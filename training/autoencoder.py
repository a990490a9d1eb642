"""Trains the autoencoder, diffusers' AutoencoderKL at f8: [3, 64, 64] ↔ [12, 8, 8].

    python training/autoencoder.py DATA OUT SECONDS            encoder and decoder together
    python training/autoencoder.py DATA OUT SECONDS --decoder  the decoder alone, on the latents as they are

The loss is L1 on pixels and on differences of neighbours (edges), with a KL term just large enough to keep the
latents near a unit normal. `--decoder` leaves the encoder, and so a UNet that was trained on its latents, valid.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from dataset import SIZE, load
from loop import Loop, cosine, device, set_rate

BATCH, PEAK, DECODER_PEAK, KL, LATENT_NOISE = 32, 2e-3, 1e-3, 3e-4, 0.08


def build() -> AutoencoderKL:
    levels = (16, 32, 64, 96)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, block_out_channels=levels,
        layers_per_block=1, latent_channels=12, norm_num_groups=8, sample_size=SIZE, scaling_factor=1.0,
    )


def reconstruction_loss(made: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    def edges(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]

    of_edges = sum((a - b).abs().mean() for a, b in zip(edges(made), edges(wanted), strict=True))
    return (made - wanted).abs().mean() + 0.5 * of_edges


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("data", type=Path)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("seconds", type=float)
    arguments.add_argument("--decoder", action="store_true")
    options = arguments.parse_args()
    torch.manual_seed(0)
    chance = np.random.default_rng(0)
    data, model = load(options.data), build().to(device())
    if options.decoder:
        model = AutoencoderKL.from_pretrained(options.out / "vae").to(device())
        model.requires_grad_(False)
        model.decoder.requires_grad_(True)
        model.post_quant_conv.requires_grad_(True)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, PEAK, betas=(0.9, 0.99), weight_decay=0.01)
    name = "decoder.pt" if options.decoder else "autoencoder.pt"
    loop = Loop(options.out / name, {"model": model, "optimizer": optimizer}, options.seconds)
    for progress in loop:
        set_rate(optimizer, cosine(progress, loop.step, DECODER_PEAK if options.decoder else PEAK))
        x = data.pixels(chance.choice(data.train, BATCH), chance.random(BATCH) < 0.5).to(device())
        with torch.autocast(device().type, dtype=torch.bfloat16):
            posterior = model.encode(x).latent_dist
            if options.decoder:
                z = posterior.mean
                z = z + LATENT_NOISE / model.config.scaling_factor * torch.randn_like(z)
            else:
                z = posterior.sample()
            made = model.decode(z).sample.float()
        loss = reconstruction_loss(made, x)
        total = loss if options.decoder else loss + KL * posterior.kl().float().mean() / posterior.mean[0].numel()
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        loop.losses.append(loss.item())
    finish(model, data, options.out / "vae")


@torch.no_grad()
def finish(model: AutoencoderKL, data, folder: Path) -> None:
    model.eval()
    x = data.pixels(data.train[:512]).to(device())
    z = model.encode(x).latent_dist.mean
    model.register_to_config(scaling_factor=round(1 / z.std().item(), 4))
    model.save_pretrained(folder)
    for which, indices in (("train", data.train[:256]), ("held out", data.test)):
        x = data.pixels(indices).to(device())
        print(f"L1 {which}: {(model.decode(model.encode(x).latent_dist.mean).sample - x).abs().mean().item():.4f}")
    print("scaling factor", model.config.scaling_factor)


if __name__ == "__main__":
    main()
