// What diffusers' pipelines do not read of a prompt, as Python that reads it for them: weights and chunks by A1111's or
// ComfyUI's rules, encoded with the pipeline's own text encoders and given to it as embeds.

import { isA1111, isBreak, type Emphasis } from '../prompt/pieces';
import { promptPieces } from '../prompt/readPrompt';
import { withTokens } from './diffusersFiles';
import { wordsOf } from './loraTags';
import { pythonString } from './pythonText';
import type { Recipe } from './recipe';
import { hasBreaks, hasWeights } from './weighedText';

/** Whether the pipelines would make something else of the prompts. */
export function needsEmbeds({ settings, chunks = 1 }: Recipe): boolean {
  const { prompt, negativePrompt, emphasis, clipSkip } = settings;
  const isRead = (text: string) => hasWeights(text, emphasis) || hasBreaks(text, emphasis);
  return emphasis !== 'plain' && (chunks > 1 || clipSkip > 1 || isRead(wordsOf(prompt)) || isRead(negativePrompt));
}

/** Arguments of the pipeline in place of the prompts and `clip_skip`. */
export function embedsArguments({ guidanceEmbedded, sdxl }: Recipe): readonly string[] {
  return [
    'prompt_embeds=prompt[0]',
    ...(guidanceEmbedded ? [] : ['negative_prompt_embeds=negative[0]']),
    ...(sdxl ? ['pooled_prompt_embeds=prompt[1]', 'negative_pooled_prompt_embeds=negative[1]'] : []),
  ];
}

/** Lines that make them; the pipeline is on its device. Empty lines are none of them. */
export function embedsLines(recipe: Recipe): readonly string[] {
  const { prompt, negativePrompt, emphasis, clipSkip } = recipe.settings;
  const { sdxl, guidanceEmbedded } = recipe;
  const zeros = sdxl && negativePrompt === '' && emphasis !== 'comfy';
  return [
    ...(emphasis === 'comfy' ? COMFY_CHUNKS : A1111_CHUNKS),
    ...encode(emphasis, sdxl ?? false, clipSkip),
    `prompt = encode(${pieceList(wordsOf(prompt), recipe)})`,
    ...(guidanceEmbedded
      ? []
      : [
          `negative = encode(${pieceList(negativePrompt, recipe)})`,
          ...(zeros
            ? [
                'if pipe.config.force_zeros_for_empty_prompt:',
                '    negative = [torch.zeros_like(part) for part in negative]',
              ]
            : []),
          'length = math.lcm(prompt[0].shape[1], negative[0].shape[1])',
          'for embeds in (prompt, negative):',
          '    embeds[0] = embeds[0].repeat(1, length // embeds[0].shape[1], 1)',
        ]),
  ];
}

/** `None` is BREAK. */
function pieceList(prompt: string, { settings: { emphasis }, embeddings = [] }: Recipe): string {
  const pieces = promptPieces(prompt, emphasis).map((part) =>
    isBreak(part) ? 'None' : `(${pythonString(withTokens(part.text, embeddings))}, ${part.weight})`,
  );
  return `[${pieces.join(', ')}]`;
}

const IDS = [
  'def ids_of(text, tokenizer):',
  '    text = pipe.maybe_convert_prompt(text, tokenizer)',
  '    return tokenizer(text, add_special_tokens=False).input_ids',
  '',
];

const A1111_CHUNKS = [
  ...IDS,
  '# A full chunk gives what stands behind its last comma to the next one, up to 20 tokens.',
  'def chunks_of(pieces, tokenizer):',
  '    room, comma = tokenizer.model_max_length - 2, ids_of(",", tokenizer)',
  '    done, chunk, last = [], [], -1',
  '    for piece in pieces:',
  '        if piece is None:',
  '            done, chunk, last = [*done, chunk], [], -1',
  '            continue',
  '        for token in ids_of(piece[0], tokenizer):',
  '            if [token] == comma:',
  '                last = len(chunk)',
  '            elif len(chunk) == room and last >= 0 and room - last <= 20:',
  '                done, chunk, last = [*done, chunk[: last + 1]], chunk[last + 1 :], -1',
  '            if len(chunk) == room:',
  '                done, chunk, last = [*done, chunk], [], -1',
  '            chunk.append((token, piece[1]))',
  '    return [*done, chunk] if chunk or not done else done',
  '',
];

const COMFY_CHUNKS = [
  ...IDS,
  '# Fewer than 8 tokens stay together, more are cut where a chunk is full.',
  'def chunks_of(pieces, tokenizer):',
  '    room, chunks = tokenizer.model_max_length - 2, [[]]',
  '    for text, weight in pieces:',
  '        rest = [(token, weight) for token in ids_of(text, tokenizer)]',
  '        large = len(rest) >= min(8, room)',
  '        while rest:',
  '            free = room - len(chunks[-1])',
  '            cut = len(rest) > free',
  '            fits = free if cut and large else 0 if cut else len(rest)',
  '            chunks[-1] += rest[:fits]',
  '            rest = rest[fits:]',
  '            if cut:',
  '                chunks.append([])',
  '    return chunks',
  '',
];

function encode(emphasis: Emphasis, sdxl: boolean, clipSkip: number): readonly string[] {
  const second = sdxl ? ', (pipe.tokenizer_2, pipe.text_encoder_2)' : '';
  return [
    'def states(tokenizer, encoder, tokens):',
    '    ids = [tokenizer.bos_token_id, *tokens, tokenizer.eos_token_id]',
    '    ids += [tokenizer.pad_token_id] * (tokenizer.model_max_length - len(ids))',
    '    out = encoder(torch.tensor([ids], device=encoder.device), output_hidden_states=True)',
    ...(sdxl
      ? [`    return out.hidden_states[${-1 - clipSkip}], out[0]`]
      : clipSkip > 1
        ? [
            '    norm = getattr(encoder, "text_model", encoder).final_layer_norm',
            `    return norm(out.hidden_states[${-clipSkip}]), out[0]`,
          ]
        : ['    return out.last_hidden_state, out[0]']),
    '',
    '@torch.no_grad()',
    'def encode(pieces):',
    '    columns = []',
    `    for tokenizer, encoder in [(pipe.tokenizer, pipe.text_encoder)${second}]:`,
    '        rows = []',
    '        for at, chunk in enumerate(chunks_of(pieces, tokenizer)):',
    '            z, first = states(tokenizer, encoder, [token for token, _ in chunk])',
    '            pooled = first if at == 0 else pooled',
    '            weights = [1, *[weight for _, weight in chunk]]',
    '            weights += [1] * (tokenizer.model_max_length - len(weights))',
    '            w = torch.tensor(weights, device=z.device, dtype=z.dtype)[:, None]',
    '            if any(weight != 1 for weight in weights):',
    ...(isA1111(emphasis)
      ? [
          '                made = z * w',
          `                z = made${emphasis === 'a1111' ? ' * (z.mean() / made.mean())' : ''}`,
        ]
      : [
          '                empty = states(tokenizer, encoder, [])[0]',
          '                z = torch.where(w == 1, z, empty + w * (z - empty))',
        ]),
    '            rows.append(z)',
    '        columns.append(torch.cat(rows, 1))',
    '    return [torch.cat(columns, -1), pooled]',
    '',
  ];
}
