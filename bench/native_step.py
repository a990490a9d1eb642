"""python bench/native_step.py MODEL THREADS STEPS: milliseconds of one forward of the built-in UNet with 5 rows
in native ONNX Runtime, as JSON: the best of STEPS by the clock, and the mean of processors. For bench/native.mjs."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime as ort

path, threads, steps = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
config = json.loads((path.parent / "config.json").read_text())
options = ort.SessionOptions()
options.intra_op_num_threads = threads
options.log_severity_level = 3
session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
tokens = next(i for i in session.get_inputs() if i.name == "encoder_hidden_states").shape[1]
size = config["sample_size"]
random = np.random.default_rng(0)

rows = 5
feeds = {
    "sample": random.standard_normal((rows, config["in_channels"], size, size), dtype=np.float32),
    "timestep": np.full(rows, 500, np.float32),
    "encoder_hidden_states": random.standard_normal((rows, tokens, config["cross_attention_dim"]), dtype=np.float32),
}
session.run(None, feeds)
wall = []
cpu = time.process_time()
for _ in range(steps):
    start = time.perf_counter()
    session.run(None, feeds)
    wall.append(1000 * (time.perf_counter() - start))
print(json.dumps({"wall": min(wall), "cpu": 1000 * (time.process_time() - cpu) / steps}))
