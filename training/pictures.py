"""What the decoder draws of latents like the page's, and the true pictures: the upscaler's training set.

    python training/pictures.py DATA OUT      writes OUT/free.pt, then OUT/paired.pt; what is there is not made again

Three kinds of latents, all of training captions: what the encoder makes of an image; the same noised to a middle step
and denoised again by the UNet, since the page's latents have the UNet's errors; and, free, what the UNet makes of a
caption from noise, for which there is no true picture. All drawn at 64×64, as uint8.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from transformers import CLIPTextModel

from autoencoder import pixels
from dataset import DataSet, load
from loop import device, half_precision
from tokenizer import Encoder

LATENT_NOISE = 0.06  # standard deviation, of unit variance
FREE_CAPTIONS, STEPS, CFG, ROWS = 192, 10, 1.5, 32
MIDDLE = (120, 400)  # timesteps to which images are noised


class Painter:
    def __init__(self, data: DataSet, out: Path):
        self.data = data
        self.vae = AutoencoderKL.from_pretrained(out / "vae").to(device()).eval()
        self.unet = UNet2DConditionModel.from_pretrained(out / "unet").to(device()).eval()
        self.unet.set_attn_processor(AttnProcessor())
        text_encoder = CLIPTextModel.from_pretrained(out / "text_encoder", attn_implementation="eager").to(device()).eval()
        encoder = Encoder(out / "tokenizer" / "tokenizer.json")
        captions = ["", *(f"{data.emoji[i].name} {data.emoji[i].style}" for i in data.named)]
        self.texts = text_encoder(torch.tensor([encoder(text) for text in captions], device=device())).last_hidden_state
        self.alphas = DDIMScheduler.from_pretrained(out / "scheduler").alphas_cumprod

    def denoised(self, latents: torch.Tensor, which: torch.Tensor, timesteps: list[int], cfg: float) -> torch.Tensor:
        """By DDIM over `timesteps`, with the captions of the images `which`; v-prediction."""
        context = self.texts[1 + which]
        if cfg > 1:
            context = torch.cat([self.texts[:1].expand_as(context), context])
        for now, following in zip(timesteps, [*timesteps[1:], None], strict=True):
            with half_precision():
                rows = self.unet(latents.repeat(len(context) // len(latents), 1, 1, 1), now, context).sample.float()
            v = rows if cfg <= 1 else torch.lerp(*rows.chunk(2), cfg)
            a = self.alphas[now]
            clean, noise = a.sqrt() * latents - (1 - a).sqrt() * v, a.sqrt() * v + (1 - a).sqrt() * latents
            b = torch.tensor(1.0) if following is None else self.alphas[following]
            latents = b.sqrt() * clean + (1 - b).sqrt() * noise
        return latents

    def drawn(self, latents: torch.Tensor) -> torch.Tensor:
        """uint8 [n, 3, 64, 64]"""
        with half_precision():
            made = self.vae.decode(latents / self.vae.config.scaling_factor).sample.float()
        return ((made.clamp(-1, 1) + 1) * 127.5).round().byte()

    def free(self) -> torch.Tensor:
        times = [round(999 * (1 - i / STEPS)) for i in range(STEPS)]
        which = torch.randperm(len(self.data.named))[:FREE_CAPTIONS]
        return torch.cat([self.drawn(self.denoised(torch.randn(len(chunk), 12, 8, 8), chunk, times, CFG)) for chunk in which.split(ROWS)])

    def paired(self) -> torch.Tensor:
        """[2, n, 3, 64, 64]: as encoded, and denoised again."""
        chance, made = random.Random(0), []
        for chunk in torch.arange(len(self.data.named)).split(ROWS):
            z = self.vae.encode(pixels(self.data, self.data.named[chunk.numpy()])).latent_dist.mean * self.vae.config.scaling_factor
            begin = chance.randint(*MIDDLE)
            a = self.alphas[begin]
            noisy = a.sqrt() * z + (1 - a).sqrt() * torch.randn_like(z)
            again = self.denoised(noisy, chunk, [begin, begin // 2], 1)
            made.append(torch.stack([self.drawn(z + LATENT_NOISE * torch.randn_like(z)), self.drawn(again)]))
        return torch.cat(made, 1)


@torch.no_grad()
def main():
    data, out = load(Path(sys.argv[1])), Path(sys.argv[2])
    painter = Painter(data, out)
    for seed, (name, make) in enumerate((("free", painter.free), ("paired", painter.paired))):
        torch.manual_seed(seed)
        path = out / f"{name}.pt"
        if not path.exists():
            torch.save(make(), path)


if __name__ == "__main__":
    main()
