"""What the training stages share: a budget in seconds, a learning rate over it, checkpoints that a run goes on from."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def half_precision() -> torch.autocast:
    """bfloat16 where the hardware multiplies it (a GPU, AVX-512 BF16, AMX); elsewhere it is fourteen times as slow."""
    has = device().type == "cuda" or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.autocast(device().type, dtype=torch.bfloat16, enabled=has)


@dataclass
class Loop:
    """`for progress in loop` yields the share of the budget that is spent; the time of earlier runs counts."""

    path: Path
    state: dict[str, torch.nn.Module | torch.optim.Optimizer]
    seconds: float
    save_every: float = 120
    step: int = 0
    spent: float = 0
    losses: list[float] = field(default_factory=list)

    def __post_init__(self):
        if self.path.exists():
            saved = torch.load(self.path, map_location=device(), weights_only=True)
            for name, part in self.state.items():
                part.load_state_dict(saved[name])
            self.step, self.spent = saved["step"], saved["spent"]

    def __iter__(self):
        begun, before, saved = time.time(), self.spent, time.time()
        while self.spent < self.seconds:
            yield self.spent / self.seconds
            self.step += 1
            self.spent = before + time.time() - begun
            if self.step % 50 == 0 and self.losses:
                print(f"{self.step} steps, {self.spent:.0f} s, loss {sum(self.losses) / len(self.losses):.4f}", flush=True)
                self.losses.clear()
            if time.time() - saved > self.save_every:
                self.save()
                saved = time.time()
        self.save()

    def save(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        parts = {name: part.state_dict() for name, part in self.state.items()}
        temporary = self.path.with_suffix(".tmp")
        torch.save({**parts, "step": self.step, "spent": self.spent}, temporary)
        temporary.replace(self.path)


def cosine(progress: float, step: int, peak: float, warm_up: int = 200) -> float:
    """Learning rate: linear warm-up over steps, then half a cosine over the budget, down to 2 % of the peak."""
    return peak * min(1, (step + 1) / warm_up) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1, progress))))


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
