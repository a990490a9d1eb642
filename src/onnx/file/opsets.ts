// The operator sets that a model imports.

import type { Model } from './model';
import { MessageWriter, fields, text } from './protobuf';

/** Of ONNX Runtime's own operators. */
export const MICROSOFT = 'com.microsoft';

/** OperatorSetIdProto: domain (1), version (2). */
export function withMicrosoft(opsets: Model['opsets']): Model['opsets'] {
  const known = opsets.some((opset) =>
    [...fields(opset)].some((field) => field.number === 1 && text(field) === MICROSOFT),
  );
  return known ? opsets : [...opsets, new MessageWriter().string(1, MICROSOFT).varint(2, 1).finish()];
}
