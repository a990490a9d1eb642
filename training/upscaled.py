"""Writes UPSCALED.md and upscaled.png: what encoder and upscaler do to pictures, on held-out captions and pictures.

    python training/upscaled.py DATA OUT [--before OUT] [--notes "hardware and time"] [--to training]

Measured is what can be without a judge: how far a held-out picture is from itself when it has gone through encoder,
decoder and upscaler, and how steep the edges of what is made of held-out captions are; and whether the UNet takes the encoder's latents for its own. In the picture is every 6th of
these captions, with the page's settings and the same noise.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from PIL import Image

from autoencoder import pixels
from dataset import load
from sampling import Model, Setting

PAGE = Setting(pag=1, cfg=2, layers="d1,m0,u0-1")
EVERY = 6
WAYS = {
    "64×64, pixels repeated": lambda model, x: F.interpolate(x, scale_factor=2.0),
    "64×64, bicubic": lambda model, x: F.interpolate(x, scale_factor=2.0, mode="bicubic"),
    "upscaler": lambda model, x: model.upscaler(x),
}


def slopes(x: torch.Tensor) -> torch.Tensor:
    """|∇| of each pixel, [n, pixels]: of differences between neighbours, the largest of the colours."""
    across, down = x[..., :-1, 1:] - x[..., :-1, :-1], x[..., 1:, :-1] - x[..., :-1, :-1]
    return (across.square() + down.square()).sqrt().amax(1).flatten(1)


def steepness(x: torch.Tensor) -> float:
    """Mean slope of the steepest 2 % of all pixels, in levels of 255."""
    all_slopes = slopes(x).flatten()
    return 127.5 * all_slopes.topk(len(all_slopes) // 50).values.mean().item()


def foreign(model: Model, vae: AutoencoderKL, small: torch.Tensor, prompts: list[str]) -> tuple[float, float]:
    """How far the UNet's v̂ is from v for these pictures' latents, mean square over all noise levels; and how far in levels
    the pictures are from themselves when they were noised half way and denoised again, without guidance."""
    draw = torch.Generator().manual_seed(0)
    texts = model.text_encoder(torch.tensor([model.encoder(prompt) for prompt in prompts])).last_hidden_state
    z = vae.encode(small).latent_dist.mean * vae.config.scaling_factor
    noise, times = torch.randn(z.shape, generator=draw), torch.randint(0, 1000, (len(z),), generator=draw)
    scheduler = model.scheduler
    wrong = model.unet(scheduler.add_noise(z, noise, times), times, texts).sample - scheduler.get_velocity(z, noise, times)
    scheduler.set_timesteps(PAGE.steps)
    later = scheduler.timesteps[PAGE.steps // 2 :]
    latents = scheduler.add_noise(z, noise, later[:1])
    for time in later:
        latents = scheduler.step(model.unet(latents, time, texts).sample, time, latents).prev_sample
    again = vae.decode(latents / vae.config.scaling_factor).sample.clamp(-1, 1)
    return wrong.square().mean().item(), 127.5 * (again - small).abs().mean().item()


@torch.no_grad()
def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("data", type=Path)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--before", type=Path)
    arguments.add_argument("--notes", default="")
    arguments.add_argument("--to", type=Path, default=Path(__file__).parent)
    options = arguments.parse_args()
    data, model = load(options.data), Model(options.out)
    true = data.pixels(data.test)
    small = pixels(data, data.test)
    again = model.vae.decode(model.vae.encode(small).latent_dist.mean).sample.clamp(-1, 1)
    chosen = data.test[::EVERY]
    prompts = [f"{data.emoji[i].name} {data.emoji[i].style}" for i in chosen]
    made = model.small(prompts, PAGE, 0).clamp(-1, 1)

    lines = []
    for name, enlarge in WAYS.items():
        of_true, of_made = (enlarge(model, x).clamp(-1, 1) for x in (again, made))
        off = 127.5 * (of_true - true).abs().mean().item()
        psnr = -10 * np.log10(((of_true - true) / 2).square().mean().item())
        of_edges = 127.5 * (slopes(of_true) - slopes(true)).abs().mean().item()
        lines.append(f"| {name} | {off:.2f} | {psnr:.2f} dB | {of_edges:.2f} | {steepness(of_made):.0f} |")
    lines.append(f"| the true pictures | 0 | – | 0 | {steepness(data.pixels(chosen)):.0f} |")

    every = [f"{data.emoji[i].name} {data.emoji[i].style}" for i in data.test]
    encoders = {"the encoder": model.vae}
    if options.before:
        encoders = {"the encoder before": AutoencoderKL.from_pretrained(options.before / "vae"), **encoders}
    latents = "\n".join(
        f"| {name} | {127.5 * (vae.decode(vae.encode(small).latent_dist.mean).sample.clamp(-1, 1) - small).abs().mean().item():.2f} | "
        f"{wrong:.2f} | {half:.2f} |"
        for name, vae in encoders.items() for wrong, half in [foreign(model, vae, small, every)]
    )
    rows = (WAYS["64×64, pixels repeated"](model, made), model.upscaler(made), data.pixels(chosen))
    grid = torch.cat([torch.cat([*images.clamp(-1, 1)], 2) for images in rows], 1)
    levels = ((grid + 1) * 127.5).round().byte().permute(1, 2, 0).cpu().numpy()
    Image.fromarray(levels).save(options.to / "upscaled.png", optimize=True)
    (options.to / "UPSCALED.md").write_text(f"""# What the upscaler and the encoder do

Made by `python training/upscaled.py`. {options.notes}

The decoder draws 64×64; the upscaler behind it makes 128×128 of that ({sum(p.numel() for p in model.upscaler.parameters()):,} parameters). UNet and
decoder are those of [REPORT.md](REPORT.md), whose figures are of the 64×64: they were not measured again.

| drawn as | off by | PSNR | slopes off by | steepness of what is made |
|---|---|---|---|---|
{chr(10).join(lines)}

The first three columns are of {len(true)} held-out pictures that went through encoder, decoder and enlarging, against the same
pictures as drawn from their vectors at 128×128, in levels of 255. The last is the mean slope of the steepest 2 % of pixels in what the
page's settings make of {len(prompts)} held-out captions, in levels a pixel.

## The encoder

| | a held-out picture comes back off by | the UNet's v̂ off by, mean square | off by when noised half way and denoised |
|---|---|---|---|
{latents}

At 64×64, in levels of 255. An encoder can bring every picture back and yet find latents that the UNet takes for noise:
the second column shows it, over all noise levels of the {len(true)} held-out pictures with their captions. The third is what one sees of
it at half strength, without guidance.

![Held-out captions, before and after, and the true pictures](upscaled.png)

From above: as the page drew them before; with the upscaler, of the same latents; the true pictures, which the model has
never seen. Every {EVERY}th held-out caption, not chosen: {', '.join(prompts)}. CFG {PAGE.cfg:g}, PAG {PAGE.pag:g} at {PAGE.layers}, {PAGE.steps} steps.
""")
    print(chr(10).join(lines))


if __name__ == "__main__":
    main()
