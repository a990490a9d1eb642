"""Writes the checkpoint of training from what the page loads, so that training goes on from the weights in the repository.

    python training/resume.py public/models/pocket OUT

The graphs were exported with diffusers' module names: a convolution and a bias keep their parameter's name, a Linear's
weight lies transposed in its MatMul, a GroupNorm's weight and bias are the Mul and the Add behind it. What comes out is
held to the graph: both compute the same input, and the worst difference is printed.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from onnx import numpy_helper
from transformers import CLIPTextConfig, CLIPTextModel

from autoencoder import EDGE
from upscaler import Upscaler


def parameters(path: Path) -> dict[str, torch.Tensor]:
    """The parameters in an exported graph by their names in PyTorch, float32."""
    graph = onnx.load(path).graph
    stored = {tensor.name: numpy_helper.to_array(tensor).astype(np.float32) for tensor in graph.initializer
              if numpy_helper.to_array(tensor).dtype in (np.float16, np.float32)}
    values = {name.removesuffix("_f16"): value for name, value in stored.items()}
    named = {name: value for name, value in values.items() if not name.startswith("onnx::") and "." in name}
    for node in graph.node:
        module = ".".join(node.name.strip("/").split("/")[:-1])
        for name in node.input:
            if name.startswith("onnx::") and name in values:
                value = values[name]
                if node.op_type == "MatMul":
                    named[f"{module}.weight"] = value.T
                elif node.op_type in ("Mul", "Add") and value.ndim > 1:
                    named[f"{module}.{'weight' if node.op_type == 'Mul' else 'bias'}"] = value.reshape(-1)
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in named.items()}


def fill(module: torch.nn.Module, path: Path, parts: tuple[str, ...] = ("",), prefix: str = "") -> None:
    """Sets the parameters of `module` whose names begin with one of `parts`; the graph has them all, behind `prefix`."""
    found = {name.removeprefix(prefix): value for name, value in parameters(path).items() if name.startswith(prefix)}
    wanted = [name for name, _ in module.named_parameters() if name.startswith(parts)]
    if missing := [name for name in wanted if name not in found]:
        raise SystemExit(f"{path} does not hold {', '.join(missing[:5])}: was it written by export.py?")
    module.load_state_dict({name: found[name] for name in wanted}, strict=False)


def check(path: Path, inputs: dict[str, torch.Tensor], made: torch.Tensor) -> None:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    wanted = session.run(None, {name: value.numpy() for name, value in inputs.items()})[0]
    print(f"{path}: worst difference {np.abs(made.numpy() - wanted).max() / np.abs(wanted).max():.1e} of the largest value")


def restore_vae(page: Path, config: dict) -> AutoencoderKL:
    config = {**config, "sample_size": EDGE}
    config.pop("spatial_compression_ratio", None)
    vae = AutoencoderKL.from_config(config).eval()
    fill(vae, page / "vae_decoder" / "model.onnx", ("decoder.", "post_quant_conv."))
    if (page / "vae_encoder").exists():
        fill(vae, page / "vae_encoder" / "model.onnx", ("encoder.", "quant_conv."))
    return vae


@torch.no_grad()
def main():
    page, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    configs = {part: json.loads((page / part / "config.json").read_text()) for part in ("unet", "text_encoder", "vae_decoder")}

    unet = UNet2DConditionModel.from_config(configs["unet"]).eval()
    fill(unet, page / "unet" / "model.onnx")
    text_encoder = CLIPTextModel(CLIPTextConfig(**configs["text_encoder"], attn_implementation="eager")).eval()
    fill(text_encoder, page / "text_encoder" / "model.onnx")
    vae = restore_vae(page, configs["vae_decoder"])

    channels, size = unet.config.in_channels, unet.config.sample_size
    latents, ids = torch.randn(2, channels, size, size), torch.randint(4, 800, (2, 16))
    context, times = text_encoder(ids).last_hidden_state, torch.tensor([500.0, 20.0])
    check(page / "text_encoder" / "model.onnx", {"input_ids": ids}, context)
    check(page / "unet" / "model.onnx", {"sample": latents, "timestep": times, "encoder_hidden_states": context},
          unet(latents, times, context).sample)
    upscaler = Upscaler()
    drawn = page / "vae_decoder" / "model.onnx"
    if has_upscaler := any(name.startswith("upscaler.") for name in parameters(drawn)):
        fill(upscaler, drawn, prefix="upscaler.")
        torch.save(upscaler.state_dict(), out / "upscaler.pt")
    made = vae.decode(latents).sample
    check(drawn, {"latent_sample": latents}, upscaler(made) if has_upscaler else made)

    unet.save_pretrained(out / "unet")
    text_encoder.save_pretrained(out / "text_encoder")
    vae.save_pretrained(out / "vae")
    for part in ("tokenizer", "scheduler"):
        shutil.copytree(page / part, out / part, dirs_exist_ok=True)


if __name__ == "__main__":
    main()
