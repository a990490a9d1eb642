// Which of a machine's software drivers ./dawn takes first. It looks for its adapter while it is being imported, so
// that a test file says what it wants in an import above that of ./dawn. Each of these files has a process of its own.

let swiftShader = false;

export function preferDriver(driver: 'swiftshader' | 'lavapipe'): void {
  swiftShader = driver === 'swiftshader';
}

export function prefersSwiftShader(): boolean {
  return swiftShader;
}
