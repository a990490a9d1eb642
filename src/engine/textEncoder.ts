// Prompt → prompt embeds [1, tokens, dim], the text encoder's last hidden state.

import type { PromptTokenizer } from '../text/tokenizer';
import { EngineError } from '../protocol/errors';
import { INT32 } from '../onnx/model';
import type { Backend, DeviceTensor, Session } from './backend';
import { OnnxFile, inputByRole } from './onnxFile';

export class TextEncoder {
  private constructor(
    private readonly backend: Backend,
    private readonly session: Session,
    private readonly tokenizer: PromptTokenizer,
    private readonly input: { readonly name: string; readonly type: 'int32' | 'int64' },
    private readonly output: string,
  ) {}

  static async open(backend: Backend, blob: Blob, tokenizer: PromptTokenizer): Promise<TextEncoder> {
    const file = await OnnxFile.open(blob, 'text_encoder/model.onnx');
    const ids = inputByRole(file, ['input_ids'], 2);
    const outputs = file.graph.model.outputs.map((output) => output.name);
    const output = outputs.find((name) => name === 'last_hidden_state') ?? outputs[0];
    if (!output) throw new EngineError('model-invalid', 'The text encoder has no output.');
    const session = await file.session(backend, file.whole());
    return new TextEncoder(backend, session, tokenizer, { name: ids.name, type: ids.elemType === INT32 ? 'int32' : 'int64' }, output);
  }

  /** [prompts, tokens, dim]; the caller disposes of it. */
  async encode(prompts: readonly string[]): Promise<DeviceTensor> {
    const ids = prompts.flatMap((prompt) => this.tokenizer.encode(prompt));
    const tensor = this.backend.upload(this.input.type, [prompts.length, this.tokenizer.length], ids);
    const outputs = await this.session.run({ [this.input.name]: tensor });
    tensor.dispose();
    for (const [name, output] of Object.entries(outputs)) if (name !== this.output) output.dispose();
    return outputs[this.output] as DeviceTensor;
  }

  dispose(): Promise<void> {
    return this.session.dispose();
  }
}
