"""The tokenizer: WordPiece over the words of names and frequent keywords, single letters and digits behind them.

    python training/tokenizer.py DATA OUT      writes OUT/tokenizer/tokenizer.json and tokenizer_config.json
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece

from dataset import STYLES, DataSet, load, words

LENGTH = 16
PAD, UNKNOWN, BEGIN, END = SPECIAL = ("[PAD]", "[UNK]", "[BOS]", "[EOS]")
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
COMMON = 6  # a keyword's word is a token of its own from this many uses on


def vocabulary(data: DataSet) -> list[str]:
    in_names = {word for emoji in data.emoji for word in words(emoji.name)}
    uses = Counter(word for emoji in data.emoji for text in (emoji.name, *emoji.keywords[1:]) for word in words(text))
    whole = sorted(word for word, count in uses.items() if len(word) > 1 and (word in in_names or count >= COMMON))
    return [*SPECIAL, *LETTERS, *("##" + letter for letter in LETTERS), *dict.fromkeys([*whole, *STYLES])]


def make(data: DataSet) -> Tokenizer:
    ids = {token: i for i, token in enumerate(vocabulary(data))}
    tokenizer = Tokenizer(WordPiece(ids, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), normalizers.Replace(Regex("[^a-z0-9]+"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A {END}", special_tokens=[(BEGIN, ids[BEGIN]), (END, ids[END])]
    )
    tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer


class Encoder:
    """Texts → ids [LENGTH], padded; too long a text keeps [EOS] last."""

    def __init__(self, path: Path):
        self.tokenizer = Tokenizer.from_file(str(path))
        self.cache: dict[str, list[int]] = {}
        self.known = {token for token in self.tokenizer.get_vocab() if token not in SPECIAL and not token.startswith("##")}

    def __call__(self, text: str) -> list[int]:
        if text not in self.cache:
            ids = self.tokenizer.encode(text).ids
            if len(ids) > LENGTH:
                ids = [*ids[: LENGTH - 1], ids[-1]]
            self.cache[text] = ids + [self.tokenizer.token_to_id(PAD)] * (LENGTH - len(ids))
        return self.cache[text]


if __name__ == "__main__":
    data, folder = load(Path(sys.argv[1])), Path(sys.argv[2]) / "tokenizer"
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = make(data)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": LENGTH, "pad_token": PAD,
              "unk_token": UNKNOWN, "bos_token": BEGIN, "eos_token": END}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1))
    print(tokenizer.get_vocab_size(), "tokens;", len(data.train), "images to train on,", len(data.test), "held out")
