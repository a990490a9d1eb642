"""Trains the encoder for a decoder and a UNet that stand: pixels → the latents that this UNet makes.

    python training/encoder.py DATA OUT SECONDS

Many latents are drawn alike, and an encoder that is trained on pixels alone finds others than the UNet's: they come back as
good pictures, and the UNet takes them for noise. So it learns from pictures whose latents are known: what the
decoder draws of latents that the UNet has made, of images noised and denoised again and of captions alone. Beside
that, true images have to come back from it through the decoder, with autoencoder.py's loss.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from autoencoder import BATCH, KL, finish, pixels, reconstruction_loss
from dataset import DataSet, load
from loop import Loop, cosine, device, half_precision, set_rate
from norm import use_fast_norms
from pictures import Painter

PEAK, WARM_UP, KNOWN, ROUNDS = 1e-3, 50, 32, 3  # KNOWN: pictures of known latents in a batch; they are made so often
FREE, STEPS, ROWS, MIDDLE = 512, 10, 64, (250, 700)


@torch.no_grad()
def known(data: DataSet, out: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents of the UNet's [n, channels, 8, 8], of unit variance, and what is drawn of them, uint8 [n, 3, 64, 64]."""
    painter, chance, latents = Painter(data, out), random.Random(0), []
    painter.vae.to(memory_format=torch.channels_last)
    everything = torch.arange(len(data.named))
    for flip in (False, True):
        for chunk in everything.split(ROWS):
            x = pixels(data, data.named[chunk.numpy()], np.full(len(chunk), flip))
            z = painter.vae.encode(x).latent_dist.mean * painter.vae.config.scaling_factor
            begin = chance.randint(*MIDDLE)
            a = painter.alphas[begin]
            noisy = a.sqrt() * z + (1 - a).sqrt() * torch.randn_like(z)
            latents.append(painter.denoised(noisy, chunk, [round(begin * (1 - i / 4)) for i in range(4)], 1))
    for chunk in torch.randperm(len(everything))[:FREE].split(ROWS):
        noise = torch.randn(len(chunk), *latents[0].shape[1:], device=device())
        latents.append(painter.denoised(noise, chunk, [round(999 * (1 - i / STEPS)) for i in range(STEPS)], chance.uniform(1, 2)))
    made = torch.cat(latents)
    return made, torch.cat([painter.drawn(chunk) for chunk in made.split(ROWS)])


def main():
    folder, out, seconds = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    torch.manual_seed(0)
    chance, data = np.random.default_rng(0), load(folder)
    model = use_fast_norms(AutoencoderKL.from_pretrained(out / "vae").to(device())).requires_grad_(False)
    for trained in (model.encoder, model.quant_conv):
        trained.requires_grad_(True)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, PEAK, betas=(0.9, 0.99), weight_decay=0.01)
    loop = Loop(out / "encoder.pt", {"model": model, "optimizer": optimizer}, seconds)
    latents, drawn, made_at = None, None, -1
    for progress in loop:
        set_rate(optimizer, cosine(progress, loop.step, PEAK, WARM_UP))
        if int(progress * ROUNDS) > made_at:  # anew as the encoder gets better: latents nearer to what true images have
            made_at = int(progress * ROUNDS)
            finish(model, data, out / "vae", "encoder")
            model.train()
            latents, drawn = known(data, out)
        chosen = torch.from_numpy(chance.integers(0, len(latents), KNOWN))
        pictures = (drawn[chosen].float() / 127.5 - 1).to(device(), memory_format=torch.channels_last)
        x = pixels(data, chance.choice(data.train, BATCH), chance.random(BATCH) < 0.5)
        with half_precision():
            posterior = model.encode(torch.cat([pictures, x])).latent_dist
            again = model.decode(posterior.sample()[KNOWN:]).sample.float()
        missed = (posterior.mean[:KNOWN].float() * model.config.scaling_factor - latents[chosen]).square().mean()
        loss = reconstruction_loss(again, x)
        total = missed + loss + KL * posterior.kl().float().mean() / posterior.mean[0].numel()
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        loop.losses.append(missed.item())
    finish(model, data, out / "vae", "encoder")


if __name__ == "__main__":
    main()
