// Which adapters are a CPU that plays a GPU: what they take must pass for no GPU's figure.

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|software|basic render|cpu/i;

/** @param {string} adapter its names, as the driver tells them */
export function isSoftware(adapter) {
  return SOFTWARE.test(adapter);
}

/** @param {string} adapter */
export function softwareWarning(adapter) {
  return [
    '',
    `  !!  ${adapter} IS A SOFTWARE DRIVER: this CPU computes what a GPU would.`,
    '  !!  The counts below are those of every GPU. Seconds and their ratios say NOTHING of any GPU.',
    '',
  ].join('\n');
}
