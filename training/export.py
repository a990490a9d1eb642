"""Writes a trained model as the page reads it: the folder layout of a Stable Diffusion ONNX export.

    python training/export.py OUT FOLDER

The graphs are those of Optimum's exporter (TorchScript, plain attention, dynamic batch, height and width). Weights of
256 values or more are stored as float16 with a Cast to float32 behind them, which ONNX Runtime folds when it loads.
The decoder's graph ends with the upscaler, and the encoder's begins with a convolution that averages 2×2 pixels: the page
has pictures of 128×128. Each graph is run once in ONNX Runtime and its worst difference to PyTorch is printed.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import diffusers
import numpy as np
import onnx
import onnxruntime
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from onnx import TensorProto, helper, numpy_helper
from transformers import CLIPTextModel

from diffusion import SCHEDULER
from tokenizer import LENGTH
from upscaler import restore

SMALLEST_HALVED = 256


def halve(path: Path) -> None:
    model = onnx.load(path)
    kept, casts = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type == TensorProto.FLOAT and values.size >= SMALLEST_HALVED:
            stored = f"{tensor.name}_f16"
            kept.append(numpy_helper.from_array(values.astype(np.float16), stored))
            casts.append(helper.make_node("Cast", [stored], [tensor.name], name=f"{tensor.name}/Cast", to=TensorProto.FLOAT))
        else:
            kept.append(tensor)
    nodes = [*casts, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def export(module: torch.nn.Module, inputs: dict[str, torch.Tensor], output: str, axes: dict, folder: Path) -> None:
    folder.mkdir(parents=True)
    path = folder / "model.onnx"
    with torch.no_grad():
        wanted = module(*inputs.values())
        torch.onnx.export(module, tuple(inputs.values()), str(path), input_names=[*inputs], output_names=[output],
                          dynamic_axes=axes, opset_version=17, do_constant_folding=True, dynamo=False)
    halve(path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    made = session.run(None, {name: value.numpy() for name, value in inputs.items()})[0]
    worst = np.abs(made - wanted.numpy()).max() / np.abs(wanted.numpy()).max()
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, worst difference to PyTorch {worst:.1e} of the largest value")


def write(value: dict, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n")


def averaging() -> torch.nn.Conv2d:
    """Each 2×2 pixels of a colour become their mean."""
    layer = torch.nn.Conv2d(3, 3, 2, stride=2, bias=False).requires_grad_(False)
    layer.weight.copy_(torch.eye(3)[:, :, None, None].expand(3, 3, 2, 2) / 4)
    return layer


def main():
    out, folder = Path(sys.argv[1]), Path(sys.argv[2])
    shutil.rmtree(folder, ignore_errors=True)
    text_encoder = CLIPTextModel.from_pretrained(out / "text_encoder", attn_implementation="eager").eval()
    unet = UNet2DConditionModel.from_pretrained(out / "unet").eval()
    vae = AutoencoderKL.from_pretrained(out / "vae").eval()
    configs = {
        "text_encoder": json.loads(text_encoder.config.to_json_string()),
        "unet": json.loads(unet.to_json_string()),
    }
    edge = 2 * vae.config.sample_size
    for part in ("vae_decoder", "vae_encoder"):
        configs[part] = {**json.loads(vae.to_json_string()), "sample_size": edge, "spatial_compression_ratio": edge // unet.config.sample_size}
    vae.upscaler, vae.average = restore(out), averaging()
    for model in (unet, vae):
        model.set_attn_processor(AttnProcessor())
    # Only the call changes, not the module: so the graph's nodes carry diffusers' module names.
    text, denoise, decode, encode = text_encoder.forward, unet.forward, vae.decode, vae.encode
    text_encoder.forward = lambda input_ids: text(input_ids).last_hidden_state
    unet.forward = lambda sample, timestep, context: denoise(sample, timestep, context, return_dict=False)[0]
    vae.forward = lambda latent_sample: vae.upscaler(decode(latent_sample, return_dict=False)[0])
    torch.manual_seed(0)
    channels, size, width = unet.config.in_channels, unet.config.sample_size, unet.config.cross_attention_dim
    latents, batch = torch.randn(2, channels, size, size), {0: "batch_size"}
    plane = {**batch, 2: "height", 3: "width"}
    export(text_encoder, {"input_ids": torch.zeros(2, LENGTH, dtype=torch.int64)}, "last_hidden_state",
           {"input_ids": batch, "last_hidden_state": batch}, folder / "text_encoder")
    export(unet, {"sample": latents, "timestep": torch.tensor([500.0, 500.0]), "encoder_hidden_states": torch.randn(2, LENGTH, width)},
           "out_sample", {"sample": plane, "timestep": batch, "encoder_hidden_states": batch, "out_sample": plane}, folder / "unet")
    export(vae, {"latent_sample": latents}, "sample",
           {"latent_sample": {**batch, 2: "latent_height", 3: "latent_width"}, "sample": plane}, folder / "vae_decoder")
    # Means and logarithms of variances.
    vae.forward = lambda sample: encode(vae.average(sample)).latent_dist.parameters
    export(vae, {"sample": torch.rand(2, 3, edge, edge) * 2 - 1}, "latent_parameters",
           {"sample": plane, "latent_parameters": {**batch, 2: "latent_height", 3: "latent_width"}}, folder / "vae_encoder")
    for name, config in configs.items():
        config.pop("_name_or_path", None)
        write(config, folder / name / "config.json")
    write({"_class_name": "DDIMScheduler", "_diffusers_version": diffusers.__version__, "num_train_timesteps": 1000, **SCHEDULER},
          folder / "scheduler" / "scheduler_config.json")
    write({"_class_name": "StableDiffusionPipeline", "_diffusers_version": diffusers.__version__,
           "scheduler": ["diffusers", "DDIMScheduler"], "text_encoder": ["transformers", "CLIPTextModel"],
           "tokenizer": ["transformers", "PreTrainedTokenizerFast"], "unet": ["diffusers", "UNet2DConditionModel"],
           "vae_decoder": ["diffusers", "AutoencoderKL"], "vae_encoder": ["diffusers", "AutoencoderKL"]}, folder / "model_index.json")
    shutil.copytree(out / "tokenizer", folder / "tokenizer")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{size / 1e6:.1f} MB in all")


if __name__ == "__main__":
    main()
