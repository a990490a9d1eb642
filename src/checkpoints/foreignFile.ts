// What a file is that is no .safetensors file though it is named so, told from its first bytes, in a sentence that says
// what to do instead.

const ascii = (text: string) => Array.from(text, (letter) => letter.charCodeAt(0));

const FETCH = 'Fetch the file again';
const NEEDED = 'Pagoda reads .safetensors files';

/** The first row that fits is taken. */
const KINDS: readonly [fits: (bytes: Uint8Array, text: string) => boolean, sentence: string][] = [
  [(bytes) => bytes.length === 0, `This file is empty. ${FETCH}.`],
  [
    begins(ascii('PK\x03\x04')),
    'This file is a .zip: an archive, or a PyTorch checkpoint (.ckpt, .pt, .bin), which can run code of its own. ' +
      `${NEEDED}: choose that form of the model.`,
  ],
  [
    (bytes) => bytes[0] === 0x80 && bytes[1] !== undefined && bytes[1] >= 2 && bytes[1] <= 5,
    'This file is a Python pickle (.ckpt, .pt, .bin), which can run code of its own. ' +
      `${NEEDED}: choose that form of the model.`,
  ],
  [begins(ascii('GGUF')), `This file is GGUF, which Pagoda cannot read. ${NEEDED}: choose that form of the model.`],
  [
    (_, text) => text.startsWith('version https://git-lfs'),
    'This file is a Git LFS pointer: it only names the model. Fetch the model itself, with “git lfs pull” or in the ' +
      'browser from the repository’s page.',
  ],
  [
    (_, text) => /^\s*(<!doctype|<html|<\?xml)/i.test(text),
    'This file is a web page, saved in the model’s place: the site may want you to log in or to agree to a licence. ' +
      'Fetch the file again in your browser.',
  ],
  [
    (bytes) => [begins([0x1f, 0x8b]), begins(ascii('7z\xbc\xaf')), begins(ascii('Rar!'))].some((is) => is(bytes)),
    'This file is an archive. Unpack it, and choose the .safetensors file in it.',
  ],
  [
    (bytes) => [begins(ascii('\x89PNG')), begins([0xff, 0xd8, 0xff]), begins(ascii('RIFF'))].some((is) => is(bytes)),
    `This file is a picture, not a model. ${NEEDED}.`,
  ],
  [
    // A ModelProto: field 1, the IR version, then its producer or its graph.
    (bytes) => bytes[0] === 0x08 && [0x12, 0x1a, 0x22, 0x3a, 0x42].includes(bytes[2] ?? 0),
    'This file is an ONNX graph. Choose the folder that it lies in, with the other files of the model.',
  ],
  [(bytes) => bytes.every((byte) => byte === 0), `This file begins with zeros: it was not fetched whole. ${FETCH}.`],
  [
    (_, text) => /^[\t\n\r -~]+$/.test(text.slice(0, 64)),
    'This file is text, saved in the model’s place; it may say why the download failed. Fetch the model again.',
  ],
];

/** @param first the file's first bytes, some hundred of them. */
export function whatElse(first: Uint8Array): string {
  const text = new TextDecoder('latin1').decode(first).replace(/^ï»¿/, '');
  const sentence = KINDS.find(([fits]) => fits(first, text))?.[1];
  return sentence ?? `This is not a .safetensors file, or a damaged one. ${FETCH}, or choose another.`;
}

function begins(magic: readonly number[]): (bytes: Uint8Array) => boolean {
  return (bytes) => magic.every((byte, at) => bytes[at] === byte);
}
