"""Trains the judge: a small CNN that names an emoji and its style from pixels, and whose features measure distance.

    python training/classifier.py DATA OUT SECONDS

It sees every image of the set, the held-out ones too (it must be able to name them), shifted, scaled, mirrored and
with its colours and sharpness changed, so that it judges what is drawn and not single pixels. It looks at 64×64, to which
it averages larger pictures: models that draw at different sizes are judged alike, and how sharp they draw is not judged.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from dataset import STYLES, DataSet, load
from loop import Loop, cosine, device, half_precision, set_rate
from norm import use_fast_norms

BATCH, PEAK, FEATURES, SEEN = 64, 2e-3, 64, 64


class Classifier(torch.nn.Module):
    """[n, 3, 64 or more, the same] in [−1, 1] → features [n, 64], logits of names, logits of styles."""

    def __init__(self, names: int):
        super().__init__()
        widths = (3, 24, 48, 96, 128)
        self.stages = torch.nn.ModuleList(
            torch.nn.Sequential(
                torch.nn.Conv2d(a, b, 3, stride=2, padding=1), torch.nn.GroupNorm(8, b), torch.nn.SiLU(),
                torch.nn.Conv2d(b, b, 3, padding=1), torch.nn.GroupNorm(8, b), torch.nn.SiLU(),
            )
            for a, b in zip(widths[:-1], widths[1:], strict=True)
        )
        self.features = torch.nn.Linear(widths[-1] * 4, FEATURES)
        self.name, self.style = torch.nn.Linear(FEATURES, names), torch.nn.Linear(FEATURES, len(STYLES))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        x = F.adaptive_avg_pool2d(x, SEEN)
        for stage in self.stages:
            x = stage(x)
        features = self.features(F.adaptive_avg_pool2d(x, 2).flatten(1))
        return features, self.name(F.silu(features)), self.style(F.silu(features))


def augment(x: torch.Tensor) -> torch.Tensor:
    n, x = len(x), F.adaptive_avg_pool2d(x, SEEN)
    scale = torch.empty(n).uniform_(0.9, 1.2)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = scale * torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
    theta[:, 1, 1] = scale
    theta[:, :, 2] = torch.empty(n, 2).uniform_(-0.12, 0.12)
    grid = F.affine_grid(theta.to(x.device), list(x.shape), align_corners=False)
    x = F.grid_sample(x - 1, grid, align_corners=False) + 1  # what comes in from outside is white
    gain = torch.empty(n, 1, 1, 1).uniform_(0.8, 1.15).to(x.device)
    tint = torch.empty(n, 3, 1, 1).uniform_(-0.08, 0.08).to(x.device)
    blurred = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
    x = torch.lerp(x, blurred, torch.rand(n, 1, 1, 1).to(x.device))
    return x * gain + tint + 0.08 * torch.rand(n, 1, 1, 1).to(x.device) * torch.randn_like(x)


def labels(data: DataSet) -> tuple[torch.Tensor, torch.Tensor]:
    number = {name: i for i, name in enumerate(data.names)}
    return torch.tensor([number[e.name] for e in data.emoji]), torch.tensor([STYLES.index(e.style) for e in data.emoji])


def restore(data: DataSet, out: Path) -> Classifier:
    model = Classifier(len(data.names)).to(device())
    model.load_state_dict(torch.load(out / "classifier.pt", map_location=device(), weights_only=True)["model"])
    return model.eval().requires_grad_(False)


def main():
    data, out, seconds = load(Path(sys.argv[1])), Path(sys.argv[2]), float(sys.argv[3])
    torch.manual_seed(1)
    draw = np.random.default_rng(1)
    names, styles = labels(data)
    model = use_fast_norms(Classifier(len(data.names)).to(device()))
    optimizer = torch.optim.AdamW(model.parameters(), PEAK, weight_decay=0.02)
    loop = Loop(out / "classifier.pt", {"model": model, "optimizer": optimizer}, seconds)
    for progress in loop:
        set_rate(optimizer, cosine(progress, loop.step, PEAK))
        indices = draw.integers(0, len(data.emoji), BATCH)
        with half_precision():
            _, name, style = model(augment(data.pixels(indices).to(device())))
        loss = F.cross_entropy(name.float(), names[indices].to(device())) + F.cross_entropy(style.float(), styles[indices].to(device()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loop.losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        for which, indices in (("train", data.train), ("held out", data.test)):
            _, name, style = model(data.pixels(indices).to(device()))
            right = (name.argmax(1).cpu() == names[indices]).float().mean().item()
            in_style = (style.argmax(1).cpu() == styles[indices]).float().mean().item()
            print(f"{which}: names right {right:.3f}, styles right {in_style:.3f}")


if __name__ == "__main__":
    main()
