// V8 compiles WebAssembly quickly first, and again, with care, what has run for long. ONNX Runtime's largest functions
// cost seconds the second time, more than a test that runs a tiny model can win.

/** As if nothing ever ran for long. The largest number that V8 takes. */
export const COMPILE_ONCE = '--wasm-tiering-budget=1300000000';
