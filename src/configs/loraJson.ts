// What diffusers writes into a LoRA file's metadata: the fields of PEFT's LoraConfig by which a product is scaled, each
// behind the name of the network that it is for.

import * as v from 'valibot';
import { config, flag, not, real, table } from './jsonFields';

/** PEFT takes these for regular expressions; what it writes itself are names of modules. */
const modules = table(real(0, 1e6), 100_000);
const byModule = v.pipe(
  modules,
  v.check((input) => Object.keys(input).every((name) => /^[\w.]+$/.test(name)), not('must be by names of modules')),
);
const alpha = real(0, 1e6);

/** Metadata `lora_adapter_metadata`. */
export const LORA_ADAPTER = config({
  'unet.lora_alpha': alpha,
  'unet.alpha_pattern': byModule,
  'unet.use_rslora': flag,
  'text_encoder.lora_alpha': alpha,
  'text_encoder.alpha_pattern': byModule,
  'text_encoder.use_rslora': flag,
  'text_encoder_2.lora_alpha': alpha,
  'text_encoder_2.alpha_pattern': byModule,
  'text_encoder_2.use_rslora': flag,
});
export type LoraAdapter = v.InferOutput<typeof LORA_ADAPTER>;
