// Imported above ./dawn: SwiftShader before lavapipe. lavapipe takes from ten seconds to minutes to compile ONNX
// Runtime's MultiHeadAttention, SwiftShader about one; but it has no f16.

import { preferDriver } from './driverPreference';

preferDriver('swiftshader');
