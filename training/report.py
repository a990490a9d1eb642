"""Writes REPORT.md and report.png from what evaluate.py has kept: the table, what it says, pictures, and ideas for the page.

    python training/report.py DATA OUT [--before OUT] [--seeds 4] [--notes "hardware and time"] [--to training]

The default is, of the settings with PAG whose captions are named right at least as often as with the same CFG alone, the one
with the lowest Fréchet distance. It stands beside the best CFG alone, by the same distance. Ideas are the held-out captions
that the judge names right with every seed at the default, surest first. `--before` is the OUT of earlier
weights with an evaluation of its own by the same judge; its best picture of each caption stands above the others.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from dataset import CATEGORIES, load
from evaluate import Judge
from sampling import Model, Setting

EVERY = 6


class Measured:
    """All settings that were measured with so many seeds, by what the judge saw of them."""

    def __init__(self, judge: Judge, out: Path, seeds: int):
        self.judge = judge
        self.looks = {}
        for path in sorted((out / "evaluation").glob(f"*, {seeds} seeds.pt")):
            saved = torch.load(path, weights_only=True)
            self.looks[Setting(**saved["setting"])] = saved["looks"]
        self.measures = {setting: judge.measures(looks) for setting, looks in self.looks.items()}
        alone = [setting for setting in self.looks if not setting.pag]
        self.cfg = min(alone, key=lambda setting: self.measures[setting]["frechet"])

    def default(self) -> Setting:
        alone = {s.cfg: measured["accuracy"] for s, measured in self.measures.items() if not s.pag}
        good = [s for s, measured in self.measures.items() if s.pag and measured["accuracy"] >= alone[s.cfg]]
        return min(good, key=lambda setting: self.measures[setting]["frechet"])

    def beside(self, on: Setting, off: Setting) -> str:
        share, error = self.judge.ratio(self.looks[on], self.looks[off])
        return f"{100 * (share - 1):+.0f} ± {100 * error:.0f} %"

    def line(self, setting: Setting, said: str = "") -> str:
        m = self.measures[setting]
        same = next((s for s in self.looks if not s.pag and s.cfg == setting.cfg and s.steps == setting.steps), None)
        own = self.beside(setting, same) if same and setting.pag else "–"
        best = "–" if setting == self.cfg else self.beside(setting, self.cfg)
        return (f"| {setting}{said} | {100 * m['accuracy']:.1f} ± {100 * m['error']:.1f} % | {100 * m['style']:.1f} % | {m['frechet']:.1f} | "
                f"{own} | {best} | {m['precision']:.2f} | {m['recall']:.2f} | {m['whole']:.1f} |")


def strip(images: torch.Tensor) -> torch.Tensor:
    return torch.cat([*images.clamp(-1, 1)], 2)


@torch.no_grad()
def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("data", type=Path)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--before", type=Path)
    arguments.add_argument("--seeds", type=int, default=4)
    arguments.add_argument("--notes", default="")
    arguments.add_argument("--to", type=Path, default=Path(__file__).parent)
    options = arguments.parse_args()
    data = load(options.data)
    judge, model = Judge(data, options.out), Model(options.out)
    now = Measured(judge, options.out, options.seeds)
    default, cfg = now.default(), now.cfg
    prompts = [f"{data.emoji[i].name} {data.emoji[i].style}" for i in data.test]

    looks = now.looks[default]
    always = looks["name"].all(0)
    order = [i for i in looks["sure"].mean(0).argsort(descending=True).tolist() if always[i]]

    spread = list(range(0, len(prompts), EVERY))
    shown = [prompts[i] for i in spread]
    true = data.pixels(data.test)
    rows, told = [], []
    before = Measured(judge, options.before, options.seeds) if options.before else None
    if before:
        chosen = min((s for s in before.looks if s.pag), key=lambda s: before.measures[s]["frechet"])
        rows.append(strip(Model(options.before).sample(shown, chosen, 0)))
        told.append(f"the earlier weights, {chosen}")
    for setting in (cfg, default):
        rows.append(strip(model.sample(shown, setting, 0)))
        told.append(str(setting))
    grid = torch.cat([*rows, strip(true[spread])], 1)
    pixels = ((grid + 1) * 127.5).round().byte().permute(1, 2, 0).cpu().numpy()
    Image.fromarray(pixels).quantize(256, dither=Image.Dither.NONE).save(options.to / "report.png", optimize=True)

    itself = judge.look(true)
    of_true = judge.measures({what: seen[None] for what, seen in itself.items()})
    small = judge.look(torch.cat([model.upscaler(model.vae.decode(model.vae.encode(part).latent_dist.mean).sample)
                                  for part in torch.nn.functional.adaptive_avg_pool2d(true, true.shape[-1] // 2).chunk(6)]))
    of_decoded = judge.measures({what: seen[None] for what, seen in small.items()})
    head = ("| 20 steps of DDIM | caption accuracy | style | Fréchet | beside the same CFG alone | beside the best CFG alone "
            "| precision | recall | to the whole set |\n|---|---|---|---|---|---|---|---|---|")
    others = sorted((s for s in now.looks if s not in (default, cfg)), key=lambda s: (s.pag > 0, s.cfg, s.pag, s.layers))
    earlier = ""
    if before:
        earlier_lines = "\n".join(before.line(s) for s in sorted(before.looks, key=lambda s: (s.cfg, s.pag)))
        earlier = f"\n## The earlier weights, by the same judge\n\n{head}\n{earlier_lines}\n"
    share, error = judge.ratio(now.looks[default], now.looks[cfg])
    counted = len([i for i in data.train if data.emoji[i].category in CATEGORIES])
    parameters = sum(np.prod(p.shape) for part in (model.unet, model.text_encoder, model.vae.decoder, model.upscaler) for p in part.parameters())
    report = f"""# How good the built-in model is, and what PAG does to it

Made by `python training/report.py`; {parameters / 1e6:.1f} M parameters in what the page loads. {options.notes}

It has learnt {len(data.train)} pictures, {counted} of them faces, animals and food. All figures are of {len(prompts)} held-out captions of these
three kinds, names and styles that were never seen together in training, with {options.seeds} seeds each. Fréchet distance is to the true
pictures of these captions. The judge names the true pictures right in {100 * of_true['accuracy']:.1f} % of the cases, and {100 * of_decoded['accuracy']:.1f} % when they have
gone through encoder and decoder; their distances are {of_true['frechet']:.1f} (mirror images alone make it) and {of_decoded['frechet']:.1f}: samples can hardly come below
that. Standard errors are of {options.seeds * len(prompts)} pictures for accuracy, and of 200 drawings of captions, the same for both, for shares of distances.

## The default

{head}
{now.line(cfg, ": CFG alone at its best")}
{now.line(default, ": the page's default")}

PAG at the page's default changes the Fréchet distance by {100 * (share - 1):+.1f} % (standard error {100 * error:.1f}) of CFG alone at its best scale, and the
accuracy by {100 * (now.measures[default]['accuracy'] - now.measures[cfg]['accuracy']):+.1f} points.

![Held-out captions before and after, without and with PAG, and the true pictures](report.png)

From above, of the same noise: {"; ".join(told)}; the true pictures, which the model has never seen. Captions: {', '.join(shown)}.
They are every {EVERY}th of the list, not chosen.

## Everything that was measured

{head}
{chr(10).join(now.line(setting) for setting in others)}

The default was chosen by these same figures. Distances and recall depend on how many samples there are; compare them within
this report only. CFG 1 is no CFG. The distance to the whole set, which holds other names too, is {of_true['whole']:.1f} for the true pictures.
{earlier}
## Ideas for the page

Held-out captions that the judge names right with all {options.seeds} seeds at the default: {len(order)} of {len(prompts)}. The surest of name and style first:
{', '.join(prompts[i] for i in order)}.
"""
    (options.to / "REPORT.md").write_text(report)
    print(report)


if __name__ == "__main__":
    main()
