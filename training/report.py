"""Writes REPORT.md and report.png from the evaluation: tables, what they say, pictures, and the page's defaults and ideas.

    python training/report.py DATA OUT [--seeds 4] [--notes "hardware and time"] [--to training]

The default setting is that with PAG whose captions are named right most often, of those whose Fréchet distance is
within 3 % of the lowest with PAG. It and CFG alone are then measured again with more seeds. Ideas are the held-out captions
that the judge names right, name and style, with every one of these seeds, surest first; pictures are of the first seed.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from dataset import load
from evaluate import CFG_SCALES, PAG_SCALES, Judge
from sampling import LAYERS, Model, Setting

COLUMNS, ENLARGED, IDEAS = 15, 96, 14


def cell(results: list[dict], setting: tuple, write) -> str:
    found = next((r for r in results if (r.get("pag"), r.get("cfg"), r.get("layers")) == setting and r["seeds"] == 1), None)
    return write(found) if found else "–"


def table(results: list[dict], write) -> str:
    lines = ["| CFG | layers | " + " | ".join(f"PAG {pag}" for pag in PAG_SCALES) + " |", "|---|---|" + "---|" * len(PAG_SCALES)]
    for cfg in CFG_SCALES:
        for layers in LAYERS:
            cells = (cell(results, (pag, cfg, layers if pag else "mid"), write) for pag in PAG_SCALES)
            lines.append(f"| {cfg} | {layers} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def verdicts(results: list[dict]) -> list[str]:
    """One sentence for every CFG scale and layer set: does any PAG scale improve both figures, one, or none?"""
    single = [r for r in results if r.get("seeds") == 1]
    sentences = []
    for cfg in CFG_SCALES:
        off = next(r for r in single if r["cfg"] == cfg and r["pag"] == 0)
        for layers in LAYERS:
            own = [r for r in single if r["cfg"] == cfg and r["pag"] > 0 and r["layers"] == layers]
            both = [r["pag"] for r in own if r["accuracy"] > off["accuracy"] and r["frechet"] < off["frechet"]]
            either = [r["pag"] for r in own if r["accuracy"] > off["accuracy"] or r["frechet"] < off["frechet"]]
            name = f"CFG {cfg}, {layers}"
            if both:
                sentences.append(f"- {name}: PAG {', '.join(map(str, both))} improves both accuracy and Fréchet distance.")
            elif either:
                sentences.append(f"- {name}: PAG {', '.join(map(str, either))} improves one of the two and not the other.")
            else:
                sentences.append(f"- {name}: **PAG does not help** at any scale.")
    return sentences


def default_setting(results: list[dict]) -> dict:
    with_pag = [r for r in results if r.get("seeds") == 1 and r["pag"] > 0]
    lowest = min(r["frechet"] for r in with_pag)
    near = [r for r in with_pag if r["frechet"] <= 1.03 * lowest]
    return max(near, key=lambda r: (r["accuracy"], -r["frechet"]))


@torch.no_grad()
def named(judge: Judge, images: torch.Tensor, wanted: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Whether name and style are right, and how probable the judge finds them: [n], [n]."""
    _, name, style = judge.classifier(images.clamp(-1, 1))
    right = (name.argmax(1) == judge.names[wanted]) & (style.argmax(1) == judge.styles[wanted])
    sure = name.softmax(1)[range(len(wanted)), judge.names[wanted]] * style.softmax(1)[range(len(wanted)), judge.styles[wanted]]
    return right, sure


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("data", type=Path)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--seeds", type=int, default=4)
    arguments.add_argument("--notes", default="")
    arguments.add_argument("--to", type=Path, default=Path(__file__).parent)
    options = arguments.parse_args()
    data = load(options.data)
    model, judge = Model(options.out), Judge(data, options.out)
    results = json.loads((options.out / "evaluation.json").read_text())
    best = default_setting(results)
    prompts = [f"{data.emoji[i].name} {data.emoji[i].style}" for i in data.test]

    chosen = Setting(best["pag"], best["cfg"], best["layers"], best["steps"])
    without = Setting(0, best["cfg"], "mid", best["steps"])
    measured, pictures, always, surest = {}, [], torch.ones(len(prompts), dtype=torch.bool), torch.ones(len(prompts))
    for setting in (without, chosen):
        rounds = [model.sample(prompts, setting, seed) for seed in range(options.seeds)]
        measured[setting] = judge.measure(torch.cat(rounds), np.tile(data.test, options.seeds))
        pictures.append(rounds[0])
        if setting is chosen:
            for images in rounds:
                right, sure = named(judge, images, data.test)
                always &= right
                surest = torch.minimum(surest, sure)
    order = [i for i in surest.argsort(descending=True).tolist() if always[i]]
    ideas = [prompts[i] for i in order[:IDEAS]]

    spread = np.linspace(0, len(prompts) - 1, COLUMNS).round().astype(int)
    real = data.pixels(data.test)
    grid = torch.cat([torch.cat([*images[spread]], 2) for images in (*pictures, real)], 1)
    rows = ((grid.clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).cpu().numpy()
    Image.fromarray(rows).resize((COLUMNS * ENLARGED, 3 * ENLARGED), Image.Resampling.NEAREST).save(options.to / "report.png")

    true = next(r["real"] for r in results if "real" in r)
    count = len(prompts) * options.seeds
    error = lambda share: math.sqrt(share * (1 - share) / count)  # noqa: E731
    line = lambda name, m: f"| {name} | {100 * m['accuracy']:.1f} ± {100 * error(m['accuracy']):.1f} % | {100 * m['style']:.1f} % | {m['frechet']:.1f} | {m['precision']:.2f} | {m['recall']:.2f} |"  # noqa: E731
    parameters = sum(p.numel() for part in (model.unet, model.text_encoder, model.vae.decoder) for p in part.parameters())
    report = f"""# How good the built-in model is, and what PAG does to it

Made by `python training/report.py`; {parameters / 1e6:.1f} M parameters in what the page loads. {options.notes}

All figures are of {len(prompts)} held-out captions: names and styles that were never seen together in training. The judge names the
true pictures of these captions right in {100 * true['accuracy']:.1f} % of the cases; their Fréchet distance to the whole set is {true['frechet']:.1f}, because
they hold other names. Samples can hardly come below that.

## The default, with {options.seeds} seeds

| CFG {best['cfg']}, {best['steps']} steps of DDIM | caption accuracy | style | Fréchet | precision | recall |
|---|---|---|---|---|---|
{line('without PAG', measured[without])}
{line(f"PAG {best['pag']}, {best['layers']}", measured[chosen])}

![Held-out captions: CFG alone, CFG and PAG, and the true pictures](report.png)

From above: CFG alone, CFG and PAG from the same noise, the true pictures, which the model has never seen. Captions:
{', '.join(prompts[i] for i in spread)}. They are every {len(prompts) // COLUMNS}th of the list, not chosen.

## Ideas for the page

Held-out captions that the judge names right, name and style, with all of {options.seeds} seeds at the default: {len(order)} of {len(prompts)}. The surest:
{', '.join(ideas)}.

## PAG scale × CFG × layers, one seed

Caption accuracy in %, and Fréchet distance. One seed has a standard error of about {100 * math.sqrt(0.25 / len(prompts)):.0f} points.

{table(results, lambda r: f"{100 * r['accuracy']:.0f} · {r['frechet']:.0f}")}

Precision and recall of the samples' manifold:

{table(results, lambda r: f"{r['precision']:.2f} · {r['recall']:.2f}")}

## Where PAG helps

{chr(10).join(verdicts(results))}
"""
    (options.to / "REPORT.md").write_text(report)
    print(report)


if __name__ == "__main__":
    main()
