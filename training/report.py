"""Writes REPORT.md and report.png from the evaluation: tables, what they say, pictures, and the page's defaults and ideas.

    python training/report.py DATA OUT [--seeds 4] [--notes "hardware and time"] [--to training]

The page is to show what PAG does. So its default setting is, of those whose Fréchet distance is within 3 % of the lowest
and where PAG lowers it by 5 % or more without costing accuracy, the one whose captions are named right most often. It,
the setting where PAG gains most, and the one that is named right most often of all are then measured again with more
seeds, each beside the same setting without PAG. Ideas are the held-out captions that the judge names right, name and
style, with all of these seeds but one at the default, surest first; pictures are of the first seed.
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

COLUMNS, IDEAS = 15, 12


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


def choices(results: list[dict]) -> list[Setting]:
    """The default, the largest gain by PAG, the most accurate."""
    single = [r for r in results if r.get("seeds") == 1]
    off = {r["cfg"]: r for r in single if r["pag"] == 0}
    with_pag = [{**r, "ratio": r["frechet"] / off[r["cfg"]]["frechet"]} for r in single if r["pag"] > 0]
    lowest = min(r["frechet"] for r in with_pag)
    harmless = [r for r in with_pag if r["accuracy"] >= off[r["cfg"]]["accuracy"]]
    good = [r for r in harmless if r["frechet"] <= 1.03 * lowest and r["ratio"] <= 0.95]
    default = max(good, key=lambda r: (r["accuracy"], -r["frechet"]))
    gain = min(harmless, key=lambda r: r["ratio"])
    accurate = max(with_pag, key=lambda r: (r["accuracy"], -r["frechet"]))
    return [Setting(r["pag"], r["cfg"], r["layers"], r["steps"]) for r in (default, gain, accurate)]


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
    prompts = [f"{data.emoji[i].name} {data.emoji[i].style}" for i in data.test]

    chosen, gain, accurate = choices(results)
    pairs = [(Setting(0, setting.cfg, "mid", setting.steps), setting) for setting in (chosen, gain, accurate)]
    measured, pictures, times, sure = {}, {}, torch.zeros(len(prompts)), torch.zeros(len(prompts))
    for setting in dict.fromkeys(setting for pair in pairs for setting in pair):
        rounds = [model.sample(prompts, setting, seed) for seed in range(options.seeds)]
        measured[setting] = judge.measure(torch.cat(rounds), np.tile(data.test, options.seeds))
        pictures[setting] = rounds[0]
        if setting == chosen:
            for images in rounds:
                right, probability = named(judge, images, data.test)
                times += right
                sure += probability
    order = [i for i in sure.argsort(descending=True).tolist() if times[i] >= options.seeds - 1]
    ideas = [prompts[i] for i in order[:IDEAS]]

    spread = np.linspace(0, len(prompts) - 1, COLUMNS).round().astype(int)
    real = data.pixels(data.test)
    grid = torch.cat([torch.cat([*images[spread]], 2) for images in (*map(pictures.get, pairs[0]), real, *map(pictures.get, pairs[1]))], 1)
    rows = ((grid.clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).cpu().numpy()
    Image.fromarray(rows).save(options.to / "report.png")

    true = next(r["real"] for r in results if "real" in r)
    count = len(prompts) * options.seeds
    error = lambda share: math.sqrt(share * (1 - share) / count)  # noqa: E731
    line = lambda name, m: f"| {name} | {100 * m['accuracy']:.1f} ± {100 * error(m['accuracy']):.1f} % | {100 * m['style']:.1f} % | {m['frechet']:.1f} | {m['precision']:.2f} | {m['recall']:.2f} |"  # noqa: E731
    whats = ("the page's default", "where PAG gains most", "most often named right")
    lines = "\n".join(
        f"{line(f'CFG {pair[0].cfg:g}', measured[pair[0]])}\n{line(f'CFG {pair[1].cfg:g}, PAG {pair[1].pag:g}, {pair[1].layers}: {what}', measured[pair[1]])}"
        for pair, what in zip(pairs, whats, strict=True)
    )
    def difference(off: dict, on: dict) -> str:
        spread_of = math.hypot(error(off["accuracy"]), error(on["accuracy"]))
        return f"accuracy {100 * (on['accuracy'] - off['accuracy']):+.1f} points (standard error {100 * spread_of:.1f}), Fréchet distance {on['frechet'] - off['frechet']:+.1f}"

    differences = "\n".join(f"- {what}: {difference(measured[off], measured[on])}." for (off, on), what in zip(pairs, whats, strict=True))
    parameters = sum(p.numel() for part in (model.unet, model.text_encoder, model.vae.decoder) for p in part.parameters())
    report = f"""# How good the built-in model is, and what PAG does to it

Made by `python training/report.py`; {parameters / 1e6:.1f} M parameters in what the page loads. {options.notes}

All figures are of {len(prompts)} held-out captions: names and styles that were never seen together in training. The judge names the
true pictures of these captions right in {100 * true['accuracy']:.1f} % of the cases; their Fréchet distance to the whole set is {true['frechet']:.1f}, because
they hold other names. Samples can hardly come below that.

## The default, and two others, with {options.seeds} seeds

| {chosen.steps} steps of DDIM | caption accuracy | style | Fréchet | precision | recall |
|---|---|---|---|---|---|
{lines}

What PAG changes:

{differences}

The settings were chosen by one seed; where a difference is within its error here, PAG shows and does not measurably help.

Fréchet distance and recall depend on how many samples there are; compare them within a table only. CFG 1 is no CFG.

![Held-out captions without and with PAG, and the true pictures](report.png)

From above: CFG {chosen.cfg:g}; the same noise with PAG {chosen.pag:g} at {chosen.layers}; the true pictures, which the model has never seen; CFG {gain.cfg:g};
the same noise with PAG {gain.pag:g} at {gain.layers}. Captions: {', '.join(prompts[i] for i in spread)}.
They are every {len(prompts) // COLUMNS}th of the list, not chosen.

## Ideas for the page

Held-out captions that the judge names right, name and style, with all but one of {options.seeds} seeds at the default: {len(order)} of {len(prompts)}. The surest:
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
