// A graph that is made for its sizes (segments/specialise), as a GPU is sent it: what ONNX Runtime's WebGPU provider
// has as one operator is one dispatch in the place of two to five.

import { fuseChannelAffine } from './channelAffine';
import { spreadChannelsLast } from './channelsLast';
import type { Model } from '../file/model';
import { fuseResidualNorms } from './residualNorms';

/** Pure. */
export function withFewerDispatches(model: Model): Model {
  return spreadChannelsLast(fuseResidualNorms(fuseChannelAffine(model)));
}
