// npm run bench:steps [swiftshader]: what one warm step of the built-in pair costs the CPU on WebGPU, sent anew and
// replayed, in one run of Dawn in Node on whatever Vulkan driver there is: what is made, uploaded and dispatched (which
// no driver changes), and milliseconds of processors until all is submitted. And what is left of a replayed forward, by
// kind: its dispatches by the program that they run, and the nodes of the graphs that were recorded, by operator. A
// software driver takes minutes to compile the shaders first.

import { end, load, openDawn } from './support/engine.mjs';
import { pairSteps, printChange, printKinds } from './support/pairSteps.mjs';

const [few, many] = [2, 6];

const { instance, device, adapter } = await openDawn({ swiftShader: process.argv[2] === 'swiftshader', quickly: true });
const { loadNodeGpuRuntime } = await load('/src/engine/testing/nodeRuntime.ts');
const measure = await pairSteps(await loadNodeGpuRuntime(instance), device);

console.log(`${adapter.info.description || adapter.info.vendor} · one warm step of the built-in pair`);
const anew = await measure({ captures: false, few, many });
const replayed = await measure({ captures: true, few, many });
printChange(anew.step, replayed.step);
printChange(
  { [`seconds a pair of ${many} steps`]: anew.seconds },
  { [`seconds a pair of ${many} steps`]: replayed.seconds },
);
printKinds('dispatches of a replayed forward, ours by kernel', replayed.programs);
printKinds('nodes of its graphs, by operator', replayed.operators);
await end();
