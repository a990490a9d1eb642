"""GroupNorm in channels-last memory, several times as fast on a CPU as PyTorch's own: its backward pass takes half a step.

    y = (x − μ) / σ · w + b,    dx = (w·dy − ⟨w·dy⟩ − x̂·⟨w·dy·x̂⟩) / σ,    ⟨⟩ the mean over a group

Both are sums over pixels by channel, then one multiplication and addition a value: x·scale + shift, and
dy·(w/σ) + x·(−⟨w·dy·x̂⟩/σ²) + what is left.
"""

from __future__ import annotations

import torch


class ChannelsLastGroupNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, groups: int, eps: float) -> torch.Tensor:
        rows = flat(x)
        count = rows.shape[1] * rows.shape[2] // groups
        mean, square = (by_group(sums, groups) / count for sums in (pixel_sum(rows), pixel_sum(rows * rows)))
        inverse = (square - mean * mean).clamp(min=0).add(eps).rsqrt()
        ctx.save_for_backward(x, weight, mean, inverse)
        ctx.groups, ctx.count = groups, count
        scale = inverse * weight
        return like(x, rows * scale.to(x.dtype)[:, None] + (bias - mean * scale).to(x.dtype)[:, None])

    @staticmethod
    def backward(ctx, grad: torch.Tensor):
        x, weight, mean, inverse = ctx.saved_tensors
        rows, given = flat(x), flat(grad)
        of_bias = pixel_sum(given)
        of_weight = (pixel_sum(given * rows) - mean * of_bias) * inverse
        first, second = (by_group(weight * sums, ctx.groups) / ctx.count for sums in (of_bias, of_weight))
        times_x = -inverse * inverse * second
        rest = -inverse * first - times_x * mean
        made = given * (inverse * weight).to(x.dtype)[:, None] + rest.to(x.dtype)[:, None]
        made.addcmul_(rows, times_x.to(x.dtype)[:, None])
        return like(x, made), of_weight.sum(0), of_bias.sum(0), None, None


def flat(x: torch.Tensor) -> torch.Tensor:
    """[n, c, h, w] or [n, c, tokens] → [n, pixels, c], a view where memory is channels-last."""
    return x.flatten(2).transpose(1, 2) if x.dim() == 3 else x.permute(0, 2, 3, 1).flatten(1, 2)


def like(x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    made = rows.transpose(1, 2)
    return made if x.dim() == 3 else made.unflatten(2, x.shape[2:])


def pixel_sum(rows: torch.Tensor) -> torch.Tensor:
    return rows.sum(1, dtype=torch.float32)


def by_group(sums: torch.Tensor, groups: int) -> torch.Tensor:
    """[n, c] → [n, c]: each channel gets the sum of its group."""
    grouped = sums.unflatten(1, (groups, -1))
    return grouped.sum(2, keepdim=True).expand_as(grouped).flatten(1)


def use_fast_norms(module: torch.nn.Module) -> torch.nn.Module:
    """`module` in channels-last memory, each of its GroupNorms computed as above; parameters and names stay."""
    for norm in module.modules():
        if isinstance(norm, torch.nn.GroupNorm):
            norm.forward = lambda x, of=norm: ChannelsLastGroupNorm.apply(x, of.weight, of.bias, of.num_groups, of.eps)
    return module.to(memory_format=torch.channels_last)
