"""Samples a trained model at many settings and keeps what the judge sees: OUT/evaluation/SETTING.pt.

    python training/evaluate.py DATA OUT [--seeds 4] [--only "PAG CFG [LAYERS [UNTIL [U [RESCALE [STEPS]]]]]" ...]

Captions: every held-out combination as "name style". The judge (classifier.py) gives of each image its features and what
it names right; `measures` makes of them
- accuracy: the share of images that it gives the caption's name; `style` the share in the caption's style;
- Fréchet distance between its features of the samples and of the true pictures of these captions (with their mirror
  images, which the model learns too), and that to all images of the set, which hold other names as well: there the
  true pictures themselves are far off;
- precision and recall of the samples' manifold against the whole set's (Kynkäänniemi et al. 2019, k = 3).
A setting whose file is there is not run again.
"""

from __future__ import annotations

import argparse
import math
import time
from itertools import product
from pathlib import Path

import numpy as np
import torch

from classifier import labels, restore
from dataset import DataSet, load
from sampling import Model, Setting

BOTTLENECK, ALL = "d1,m0,u0-1", "d0-1,m0,u0-3"
CFG_SCALES = (1, 1.5, 2, 3, 4)
NEIGHBOURS, RESAMPLES = 3, 200


def grid() -> list[Setting]:
    """CFG alone at every scale; PAG over scales, layers, the first steps alone, u and rescale."""
    alone = [Setting(0, cfg) for cfg in CFG_SCALES]
    scales = [Setting(pag, cfg, BOTTLENECK) for pag, cfg in product((1, 2), (1, 1.5, 2, 3))]
    layers = [Setting(1, 2, layers) for layers in ("m0", "d1", "u0-1", "d0,u2-3", ALL)]
    ways = [Setting(2, 2, BOTTLENECK, until=0.4), Setting(2, 2, BOTTLENECK, u=0.5), Setting(2, 2, BOTTLENECK, rescale=0.7)]
    return [*alone, *scales, *layers, *ways]


def frechet(a: torch.Tensor, b: torch.Tensor) -> float:
    """|μa − μb|² + tr(Σa + Σb − 2(Σa Σb)^½), float64."""
    a, b = a.double(), b.double()
    cov_a, cov_b = a.T.cov(), b.T.cov()
    values, vectors = torch.linalg.eigh(cov_a)
    root = vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    return ((a.mean(0) - b.mean(0)).square().sum() + cov_a.trace() + cov_b.trace() - 2 * cross).item()


def share_inside(points: torch.Tensor, manifold: torch.Tensor) -> float:
    """Share of `points` that lie within the distance of some manifold point to its k-th neighbour."""
    radius = torch.cdist(manifold, manifold).kthvalue(NEIGHBOURS + 1, dim=1).values
    return (torch.cdist(points, manifold) <= radius).any(1).float().mean().item()


class Judge:
    def __init__(self, data: DataSet, out: Path):
        self.classifier = restore(data, out)
        self.names, self.styles = labels(data)
        self.wanted = data.test
        mirror = lambda chunk, flip: self.classifier(data.pixels(chunk, np.full(len(chunk), flip)))[0]  # noqa: E731
        self.whole = torch.cat([mirror(chunk, False) for chunk in np.array_split(np.arange(len(data.emoji)), 16)])
        self.true = torch.stack([mirror(data.test, flip) for flip in (False, True)])  # [2, captions, 64]

    @torch.no_grad()
    def look(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Of one image a caption: features, whether name and style are right, and how probable both are."""
        features, name, style = self.classifier(images.clamp(-1, 1))
        every, names, styles = range(len(images)), self.names[self.wanted], self.styles[self.wanted]
        return {
            "features": features, "name": name.argmax(1) == names, "style": style.argmax(1) == styles,
            "sure": name.softmax(1)[every, names] * style.softmax(1)[every, styles],
        }

    def distance(self, features: torch.Tensor, captions: torch.Tensor) -> float:
        """Fréchet distance of features [seeds, captions, 64] to the true pictures, of these captions."""
        return frechet(features[:, captions].flatten(0, 1), self.true[:, captions].flatten(0, 1))

    def measures(self, looks: dict[str, torch.Tensor]) -> dict[str, float]:
        """Of what was seen [seeds, captions]."""
        features = looks["features"]
        flat, every = features.flatten(0, 1), torch.arange(features.shape[1])
        accuracy = looks["name"].float().mean().item()
        return {
            "accuracy": accuracy, "error": math.sqrt(accuracy * (1 - accuracy) / looks["name"].numel()),
            "style": looks["style"].float().mean().item(), "frechet": self.distance(features, every),
            "whole": frechet(flat, self.whole), "precision": share_inside(flat, self.whole), "recall": share_inside(self.whole, flat),
        }

    def ratio(self, on: dict[str, torch.Tensor], off: dict[str, torch.Tensor]) -> tuple[float, float]:
        """Fréchet distance of `on` as a share of that of `off`, and its standard error: captions drawn anew, the same for both."""
        count = on["features"].shape[1]
        draw = torch.Generator().manual_seed(0)
        drawn = [torch.randint(0, count, (count,), generator=draw) for _ in range(RESAMPLES)]
        shares = [self.distance(on["features"], of) / self.distance(off["features"], of) for of in drawn]
        every = torch.arange(count)
        return self.distance(on["features"], every) / self.distance(off["features"], every), float(np.std(shares))


def file_of(out: Path, setting: Setting, seeds: int) -> Path:
    return out / "evaluation" / f"{setting}, {setting.steps} steps, {seeds} seeds.pt"


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("data", type=Path)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--seeds", type=int, default=4)
    arguments.add_argument("--only", nargs="*", default=[], help="PAG CFG LAYERS UNTIL U RESCALE STEPS")
    options = arguments.parse_args()
    data = load(options.data)
    model, judge = Model(options.out), Judge(data, options.out)
    prompts = [f"{data.emoji[i].name} {data.emoji[i].style}" for i in data.test]
    (options.out / "evaluation").mkdir(exist_ok=True)
    kinds = (float, float, str, float, float, float, int)
    chosen = [Setting(*(kind(word) for kind, word in zip(kinds, only.split(), strict=False))) for only in options.only]
    for setting in chosen or grid():
        path, begun = file_of(options.out, setting, options.seeds), time.process_time()
        if path.exists():
            continue
        seen = [judge.look(model.sample(prompts, setting, seed)) for seed in range(options.seeds)]
        looks = {what: torch.stack([each[what] for each in seen]) for what in seen[0]}
        torch.save({"setting": vars(setting), "looks": looks}, path)
        said = {name: round(value, 3) for name, value in judge.measures(looks).items()}
        print(path.stem, said, f"{time.process_time() - begun:.0f} s of a processor", flush=True)


if __name__ == "__main__":
    main()
