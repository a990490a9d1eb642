// Errors that survive the wire. A code says what kind of thing happened, so that the page can name the
// remedy; `message` is a full sentence for people; `detail` is what a bug report needs.

export type EngineErrorCode =
  | 'model-missing' // a file of the model could not be fetched
  | 'runtime-failed' // ONNX Runtime could not be fetched or started
  | 'version-gone' // the server has another version of the page now; only a reload helps
  | 'model-invalid' // truncated, not ONNX, or not a model of a kind we know
  | 'lora-invalid' // a LoRA file is damaged, of another kind, or gone; the model is as it was
  | 'embedding-invalid' // an embedding's file is damaged, something else, or gone; the model is as it was
  | 'layers-not-found' // the layer set matches nothing of this model
  | 'pag-impossible' // PAG was asked for, and the model has no self-attention that can be perturbed
  | 'start-impossible' // this model, or these settings, cannot start from the image; both are as they were
  | 'schedule-impossible' // no schedule has these settings with this model
  | 'shader-compile' // a WGSL kernel was refused
  | 'session-build' // ONNX Runtime refused a graph
  | 'run-failed' // ONNX Runtime failed in a run, and not for want of memory
  | 'does-not-fit' // the device cannot hold the model; nothing was built
  | 'not-finite' // NaN or infinity in the latents
  | 'device-lost' // the GPU went away; the next run takes a new one
  | 'out-of-memory'
  | 'gpu-refused' // the GPU refused a buffer or a command; what it made since is not to be believed
  | 'worker-crashed' // the worker died; the client has started another
  | 'internal';

export interface EngineErrorData {
  readonly code: EngineErrorCode;
  readonly message: string;
  readonly detail: string;
}

export class EngineError extends Error implements EngineErrorData {
  readonly code: EngineErrorCode;
  readonly detail: string;

  constructor(code: EngineErrorCode, message: string, detail = '', options?: ErrorOptions) {
    super(message, options);
    this.name = 'EngineError';
    this.code = code;
    this.detail = detail;
  }
}

/** Anything thrown, as data for the wire. Unknown errors become `internal` with their stack as detail. */
export function toErrorData(error: unknown): EngineErrorData {
  if (error instanceof EngineError) {
    return { code: error.code, message: error.message, detail: error.detail };
  }
  const message = error instanceof Error ? error.message : String(error);
  const detail = error instanceof Error ? (error.stack ?? '') : '';
  return { code: 'internal', message: `Something unexpected happened: ${message}`, detail };
}
