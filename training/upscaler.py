"""Trains the upscaler behind the decoder: [3, 64, 64] → [3, 128, 128], sharp edges where the decoder's are soft.

    python training/upscaler.py DATA OUT SECONDS --averaged    first, while the encoder trains
    python training/pictures.py DATA OUT
    python training/upscaler.py DATA OUT SECONDS

A few convolutions without a norm, so that it learns from crops: of what the decoder draws and of the set's own pictures,
averaged to 64×64 and softened. It is held to the true picture by L1 on pixels and edges and by the features of a
discriminator of patches (Isola et al. 2017); that discriminator (hinge loss) also holds what it makes of the UNet's own
pictures to look like an image of the set, and these, made smaller, stay what they were. With `--averaged` it learns from
the set's own pictures alone, by L1 alone, which it goes on from then. OUT gets `upscaler.pt`, the moving average of the
weights.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch.nn.utils.parametrizations import spectral_norm

from autoencoder import reconstruction_loss
from dataset import load
from loop import Loop, cosine, device, half_precision, set_rate

PAIRED, FREE, CROP, PEAK, CRITIC_RATE, WARM_UP, DECAY = 12, 6, 24, 2e-3, 5e-4, 50, 0.995
ADVERSARIAL, FEATURES, BEGIN = 0.02, 0.2, 0.4  # weights of losses; the share of the budget without a discriminator


class Upscaler(torch.nn.Module):
    """[n, 3, h, w] → [n, 3, 2h, 2w]: what is added to the picture of twice the size whose pixels are repeated."""

    def __init__(self, width: int = 32, fine: int = 16):
        super().__init__()
        convolution = lambda a, b: torch.nn.Conv2d(a, b, 3, padding=1)  # noqa: E731
        self.coarse = torch.nn.ModuleList([convolution(3, width), convolution(width, width), convolution(width, width)])
        self.fine, self.out = convolution(width, fine), convolution(fine, 3)
        torch.nn.init.zeros_(self.out.weight)
        torch.nn.init.zeros_(self.out.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = x
        for layer in self.coarse:
            h = F.leaky_relu(layer(h), 0.1)
        h = F.leaky_relu(self.fine(F.interpolate(h, scale_factor=2.0)), 0.1)
        return F.interpolate(x, scale_factor=2.0) + self.out(h)


def restore(out: Path) -> Upscaler:
    model = Upscaler()
    model.load_state_dict(torch.load(out / "upscaler.pt", map_location="cpu", weights_only=True))
    return model.to(device()).eval().requires_grad_(False)


class Critic(torch.nn.Module):
    """[n, 3, h, w] → features of each layer, and logits of overlapping patches of 38 pixels."""

    def __init__(self):
        super().__init__()
        widths = (3, 32, 64, 96)
        self.layers = torch.nn.ModuleList(
            spectral_norm(torch.nn.Conv2d(a, b, 4, stride=2, padding=1)) for a, b in zip(widths[:-1], widths[1:], strict=True)
        )
        self.logits = spectral_norm(torch.nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, x: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            features.append(x)
        return features, self.logits(x).float()


class Crops:
    """Random crops of what is drawn and of the true pictures, in channels-last float32 in [−1, 1]."""

    def __init__(self, folder: Path, out: Path, averaged: bool):
        data = load(folder)
        self.chance = np.random.default_rng(0)
        self.true = torch.from_numpy(data.images[data.train]).permute(0, 3, 1, 2)
        self.paired, self.free = softened(self.true), None
        if not averaged:
            drawn, self.free = (torch.load(out / f"{name}.pt") for name in ("paired", "free"))
            self.paired = torch.cat([drawn, self.paired])

    def draw(self, with_free: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """Drawn [PAIRED (+ FREE), 3, CROP, CROP], true [PAIRED, 3, 2·CROP, 2·CROP]."""
        made, true = [], []
        for each in range(PAIRED + FREE if with_free else PAIRED):
            pool = self.paired[self.chance.integers(len(self.paired))] if each < PAIRED else self.free
            which = self.chance.integers(len(pool))
            top, left = self.chance.integers(0, pool.shape[-1] - CROP + 1, 2)
            mirrored = [2] if self.chance.random() < 0.5 else []
            made.append(pool[which, :, top : top + CROP, left : left + CROP].flip(mirrored))
            if each < PAIRED:
                true.append(self.true[which, :, 2 * top : 2 * (top + CROP), 2 * left : 2 * (left + CROP)].flip(mirrored))
        to_float = lambda crops: (torch.stack(crops).float() / 127.5 - 1).to(device(), memory_format=torch.channels_last)  # noqa: E731
        return to_float(made), to_float(true)


def softened(true: torch.Tensor) -> torch.Tensor:
    """uint8 [n, 3, 128, 128] → [3, n, 3, 64, 64]: averaged, and that softened a little and much."""
    small = torch.cat([F.avg_pool2d(chunk.float(), 2) for chunk in true.split(64)])
    soft = F.avg_pool2d(small, 3, stride=1, padding=1, count_include_pad=False)
    return torch.stack([small, torch.lerp(small, soft, 0.5), soft]).round().byte()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("data", type=Path)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("seconds", type=float)
    arguments.add_argument("--averaged", action="store_true")
    options = arguments.parse_args()
    out = options.out
    torch.manual_seed(0)
    crops = Crops(options.data, out, options.averaged)
    model, critic = (part.to(device(), memory_format=torch.channels_last) for part in (Upscaler(), Critic()))
    if (out / "upscaler.pt").exists():
        model.load_state_dict(torch.load(out / "upscaler.pt", map_location=device(), weights_only=True))
    average = copy.deepcopy(model).requires_grad_(False)
    optimizer = torch.optim.Adam(model.parameters(), PEAK, betas=(0.9, 0.99))
    critics = torch.optim.Adam(critic.parameters(), CRITIC_RATE, betas=(0.5, 0.99))
    loop = Loop(out / "upscaling.pt", {"model": model, "average": average, "critic": critic, "optimizer": optimizer, "critics": critics}, options.seconds)
    for progress in loop:
        adversarial = not options.averaged and progress > BEGIN
        set_rate(optimizer, cosine(progress, loop.step, PEAK, WARM_UP))
        drawn, true = crops.draw(adversarial)
        with half_precision():
            made = model(drawn).float()
        loss = total = reconstruction_loss(made[:PAIRED], true)
        if adversarial:
            with half_precision():
                of_true, true_logits = critic(true)
                _, false_logits = critic(made.detach())
            critics.zero_grad()
            (F.relu(1 - true_logits).mean() + F.relu(1 + false_logits).mean()).backward()
            critics.step()
            critic.requires_grad_(False)
            with half_precision():
                of_made, logits = critic(made)
            critic.requires_grad_(True)
            alike = sum((a[:PAIRED].float() - b.detach().float()).abs().mean() for a, b in zip(of_made, of_true, strict=True))
            unchanged = (F.avg_pool2d(made[PAIRED:], 2) - drawn[PAIRED:]).abs().mean()
            total = loss + FEATURES * alike + unchanged * FREE / PAIRED - ADVERSARIAL * logits.mean()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        decay = min(DECAY, (1 + loop.step) / (10 + loop.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)
        loop.losses.append(loss.item())
    torch.save(average.state_dict(), out / "upscaler.pt")


if __name__ == "__main__":
    main()
