"""Cuts CLIP's merges out of the vocabulary file of PyPI's clip-anytorch 2.6.0 (MIT, © 2021 OpenAI): public/clip/merges.txt.

    pip download --no-deps clip-anytorch==2.6.0 && python scripts/clipMerges.py clip_anytorch-2.6.0-py3-none-any.whl

The file lists more merges than CLIP was trained with: of its lines behind the first, 49152 - 256 - 2 count. The licence
goes to licenses/clip.txt, from where the build takes it into third-party-notices.txt.
"""

import gzip
import hashlib
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
SHA256 = "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a"

with zipfile.ZipFile(sys.argv[1]) as wheel:
    packed = wheel.read("clip/bpe_simple_vocab_16e6.txt.gz")
    licence = wheel.read("clip_anytorch-2.6.0.dist-info/LICENSE")
assert hashlib.sha256(packed).hexdigest() == SHA256
lines = gzip.decompress(packed).decode().split("\n")[1 : 49152 - 256 - 2 + 1]
assert lines[-1] == "jeky ll</w>"
(ROOT / "public/clip").mkdir(exist_ok=True)
(ROOT / "public/clip/merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
(ROOT / "licenses/clip.txt").write_bytes(licence)
