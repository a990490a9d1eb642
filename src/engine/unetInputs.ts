// Which input of a UNet graph plays which role. Known names decide first, then rank and width; what no role
// explains is refused by name, since a UNet that reads something unknown would predict nonsense.
//
//   sample [rows, channels, h, w] · timestep [], [1] or [rows] · context [rows, tokens, dim]
//   SDXL: textEmbeds [rows, dim], timeIds [rows, 6] · LCM: guidance embedding timestepCond [rows, dim]

import { FLOAT, FLOAT16, INT32, INT64, type Model, type ValueInfo } from '../onnx/file/model';
import { EngineError } from '../protocol/errors';

export interface UnetInputs {
  readonly sample: ValueInfo;
  readonly timestep: ValueInfo;
  readonly context: ValueInfo;
  readonly textEmbeds: ValueInfo | null;
  readonly timeIds: ValueInfo | null;
  readonly timestepCond: ValueInfo | null;
}

type Role = keyof UnetInputs;

interface Signature {
  readonly names: readonly string[];
  readonly ranks: readonly number[];
  readonly types: readonly number[];
}

const FLOATS = [FLOAT, FLOAT16];
const NUMBERS = [...FLOATS, INT64, INT32];

const SIGNATURES: Readonly<Record<Role, Signature>> = {
  sample: { names: ['sample', 'latent_model_input', 'latent_sample', 'latents', 'x'], ranks: [4], types: FLOATS },
  timestep: { names: ['timestep', 'timesteps', 't'], ranks: [0, 1], types: NUMBERS },
  context: {
    names: ['encoder_hidden_states', 'context', 'prompt_embeds', 'text_embedding'],
    ranks: [3],
    types: FLOATS,
  },
  textEmbeds: { names: ['text_embeds', 'add_text_embeds', 'pooled_prompt_embeds'], ranks: [2], types: FLOATS },
  timeIds: { names: ['time_ids', 'add_time_ids'], ranks: [2], types: NUMBERS },
  timestepCond: { names: ['timestep_cond', 'guidance_scale_embedding'], ranks: [2], types: FLOATS },
};
const ROLES = Object.keys(SIGNATURES) as Role[];

/**
 * The inputs by role.
 * @param guidanceWidth `time_cond_proj_dim` of the UNet's config, null where the guidance scale is no input.
 * @throws EngineError `model-invalid` where a role is unfilled or an input has none; `detail` lists the inputs.
 */
export function unetInputs({ inputs }: Model, guidanceWidth: number | null): UnetInputs {
  const found = new Map<Role, ValueInfo>();
  const fits = (role: Role, { dims, elemType }: ValueInfo) =>
    (dims === null || SIGNATURES[role].ranks.includes(dims.length)) && SIGNATURES[role].types.includes(elemType);
  for (const input of inputs) {
    const role = ROLES.find((one) => SIGNATURES[one].names.some((name) => isCalled(input.name, name)));
    if (role && !found.has(role) && fits(role, input)) found.set(role, input);
  }
  for (const input of inputs) {
    if ([...found.values()].includes(input)) continue;
    const role = roleByShape(input, guidanceWidth);
    if (!role || found.has(role) || !fits(role, input))
      throw refused(`Its UNet takes an input “${input.name}” that Pagoda does not know.`, inputs);
    found.set(role, input);
  }
  const required = (role: Role): ValueInfo => {
    const input = found.get(role);
    if (input) return input;
    throw refused(`Its UNet has no input for ${role === 'context' ? 'the prompt' : `the ${role}`}.`, inputs);
  };
  const timeIds = found.get('timeIds') ?? null;
  const width = timeIds?.dims?.[1];
  if (typeof width === 'number' && width !== 6)
    throw refused('It is a refiner: it improves pictures and does not make them.', inputs);
  return {
    sample: required('sample'),
    timestep: required('timestep'),
    context: required('context'),
    textEmbeds: found.get('textEmbeds') ?? null,
    timeIds,
    timestepCond: found.get('timestepCond') ?? null,
  };
}

/** Exporters may put the path of a nested argument before the name: `added_cond_kwargs.text_embeds`. */
function isCalled(input: string, name: string): boolean {
  return input === name || (name.length > 1 && new RegExp(`[^a-z0-9]${name}$`).test(input));
}

function roleByShape({ dims }: ValueInfo, guidanceWidth: number | null): Role | null {
  if (!dims) return null;
  if (dims.length === 4) return 'sample';
  if (dims.length === 3) return 'context';
  if (dims.length < 2) return 'timestep';
  if (dims.length > 2) return null;
  if (dims[1] === 6) return 'timeIds';
  return guidanceWidth !== null && dims[1] === guidanceWidth ? 'timestepCond' : 'textEmbeds';
}

function refused(why: string, inputs: readonly ValueInfo[]): EngineError {
  return new EngineError(
    'model-invalid',
    `${why} Choose another model.`,
    inputs.map(({ name, dims }) => `${name} [${dims?.join(', ') ?? '?'}]`).join('; '),
  );
}
