"""Measures a trained model over PAG scale × CFG × layers; writes OUT/evaluation.json, a line of it a setting.

    python training/evaluate.py DATA OUT [--seeds 1] [--steps 20] [--only PAG,CFG,LAYERS ...]

Captions: every held-out combination as "name style". For each setting the judge (classifier.py) gives
- accuracy: the share of images that it gives the caption's name; `style` the share in the caption's style;
- Fréchet distance between its features of the samples and of all images of the set (which hold other names than the
  captions too: the figure compares settings with each other, it is not an absolute one);
- precision and recall of the samples' manifold (Kynkäänniemi et al. 2019, k = 3).
A setting that is in the file already is not run again.
"""

from __future__ import annotations

import argparse
import json
import time
from itertools import product
from pathlib import Path

import numpy as np
import torch

from classifier import labels, restore
from dataset import DataSet, load
from sampling import LAYERS, Model, Setting

PAG_SCALES = (0, 0.5, 1, 1.5, 2, 3, 5)
CFG_SCALES = (1, 1.5, 2, 4, 6)
NEIGHBOURS = 3


def settings(steps: int) -> list[Setting]:
    """PAG 0 has no layers: it is run once a CFG scale."""
    return [Setting(pag, cfg, layers, steps) for pag, cfg, layers in product(PAG_SCALES, CFG_SCALES, LAYERS) if pag > 0 or layers == "mid"]


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
        self.data = data
        self.real = torch.cat([self.classifier(data.pixels(chunk))[0] for chunk in np.array_split(np.arange(len(data.emoji)), 8)])

    def measure(self, images: torch.Tensor, wanted: np.ndarray) -> dict[str, float]:
        features, name, style = self.classifier(images.clamp(-1, 1))
        return {
            "accuracy": (name.argmax(1) == self.names[wanted]).float().mean().item(),
            "style": (style.argmax(1) == self.styles[wanted]).float().mean().item(),
            "frechet": frechet(features, self.real),
            "precision": share_inside(features, self.real),
            "recall": share_inside(self.real, features),
        }


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("data", type=Path)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--seeds", type=int, default=1)
    arguments.add_argument("--steps", type=int, default=20)
    arguments.add_argument("--only", nargs="*", default=[], help="PAG,CFG,LAYERS")
    options = arguments.parse_args()
    data = load(options.data)
    model, judge = Model(options.out), Judge(data, options.out)
    prompts = [f"{data.emoji[i].name} {data.emoji[i].style}" for i in data.test]
    path = options.out / "evaluation.json"
    results = json.loads(path.read_text()) if path.exists() else []
    chosen = settings(options.steps)
    if options.only:
        chosen = [Setting(float(pag), float(cfg), layers, options.steps) for pag, cfg, layers in (only.split(",") for only in options.only)]
    if not any("real" in result for result in results):
        results.append({"real": judge.measure(data.pixels(data.test), data.test)})
    for setting in chosen:
        key = {**vars(setting), "seeds": options.seeds}
        if any(key.items() <= result.items() for result in results):
            continue
        begun = time.time()
        images = torch.cat([model.sample(prompts, setting, seed) for seed in range(options.seeds)])
        measured = judge.measure(images, np.tile(data.test, options.seeds))
        results.append({**key, **measured, "seconds": round(time.time() - begun, 1)})
        path.write_text("[\n" + ",\n".join(json.dumps(result) for result in results) + "\n]\n")
        print({name: round(value, 3) if isinstance(value, float) else value for name, value in results[-1].items()}, flush=True)


if __name__ == "__main__":
    main()
