"""The data set: emoji as 128×128 RGB on white with names, keywords and styles, and which of them are held out.

`render.mjs` has written `images.rgb` (uint8 [n, 128, 128, 3]) and `images.json` ([{style, name, category,
keywords}]). Held out are name × style combinations whose name stays in the training set in another style: the
model has seen the thing and the style, never both together.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

SIZE = 128
STYLES = ("noto", "fluent", "flat")
CATEGORIES = ("Smileys & Emotion", "Animals & Nature", "Food & Drink")
MORE = ("Activities", "Travel & Places", "Objects")  # only autoencoder and judge see these
HELD_OUT_SHARE = 1 / 5  # of the names that exist in every style: one style of each is held out


def words(text: str) -> list[str]:
    return [word for word in re.split(r"[^a-z0-9]+", text.lower()) if word]


@dataclass(frozen=True)
class Emoji:
    style: str
    name: str
    category: str
    keywords: tuple[str, ...]


@dataclass(frozen=True)
class DataSet:
    emoji: list[Emoji]
    images: np.ndarray  # uint8 [n, 128, 128, 3]
    held_out: np.ndarray  # bool [n]

    @cached_property
    def train(self) -> np.ndarray:
        return np.flatnonzero(~self.held_out)

    @cached_property
    def named(self) -> np.ndarray:
        """Those of `train` that can be asked for by their names."""
        return np.array([i for i in self.train if self.emoji[i].category in CATEGORIES])

    @cached_property
    def test(self) -> np.ndarray:
        return np.flatnonzero(self.held_out)

    @cached_property
    def names(self) -> list[str]:
        return sorted({emoji.name for emoji in self.emoji})

    def pixels(self, indices: np.ndarray, flip: np.ndarray | None = None) -> torch.Tensor:
        """float32 [n, 3, 128, 128] in [−1, 1]; `flip` (bool [n]) mirrors left and right."""
        images = torch.from_numpy(self.images[indices]).permute(0, 3, 1, 2).float() / 127.5 - 1
        if flip is not None:
            images = torch.where(torch.from_numpy(flip)[:, None, None, None], images.flip(3), images)
        return images


def load(folder: Path) -> DataSet:
    meta = json.loads((folder / "images.json").read_text())
    images = np.fromfile(folder / "images.rgb", np.uint8).reshape(len(meta), SIZE, SIZE, 3)
    keep = [i for i, entry in enumerate(meta) if entry["category"] in CATEGORIES + MORE]
    emoji = [Emoji(meta[i]["style"], meta[i]["name"], meta[i]["category"], tuple(meta[i]["keywords"])) for i in keep]
    return DataSet(emoji, images[keep], hold_out(emoji))


def hold_out(emoji: list[Emoji], seed: int = 0) -> np.ndarray:
    styles_of: dict[str, set[str]] = {}
    for each in emoji:
        if each.category in CATEGORIES:
            styles_of.setdefault(each.name, set()).add(each.style)
    complete = sorted(name for name, styles in styles_of.items() if len(styles) == len(STYLES))
    chance = random.Random(seed)
    chosen = chance.sample(complete, int(len(complete) * HELD_OUT_SHARE))
    combinations = {(name, STYLES[i % len(STYLES)]) for i, name in enumerate(chosen)}
    return np.array([(each.name, each.style) in combinations for each in emoji])


def caption(emoji: Emoji, chance: random.Random, known: set[str]) -> str:
    """A caption for one training step: name, keywords or both, mostly with the style; one in ten is empty, for CFG."""
    keywords = [keyword for keyword in emoji.keywords[1:] if set(words(keyword)) <= known]
    draw = chance.random()
    if draw < 0.1:
        return ""
    if draw < 0.7 or not keywords:
        text = emoji.name
    elif draw < 0.87:
        text = " ".join([emoji.name, *chance.sample(keywords, min(len(keywords), chance.randint(1, 2)))])
    else:
        text = " ".join(chance.sample(keywords, min(len(keywords), chance.randint(2, 3))))
    return f"{text} {emoji.style}" if chance.random() < 0.8 else text
