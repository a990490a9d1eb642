// The report of a device, whole: of a GPU with something worked round, of a CPU, and before anything has started.

import { expect, test } from 'vitest';
import type { DeviceInfo } from '../../protocol/loaded';
import type { Job } from '../../store/job';
import { deviceReport, type Surroundings } from './reportText';

const here: Surroundings = {
  appVersion: '1.2.3',
  libraries: { 'onnxruntime-web': '1.30.0' },
  userAgent: 'Some Browser',
  isolated: true,
  secure: true,
  cores: 8,
  memoryGiB: undefined,
};
const gpu: DeviceInfo = {
  backend: 'webgpu',
  adapter: 'Some GPU',
  f16: false,
  threads: 4,
  limits: { maxBufferSize: 1024, maxStorageBufferBindingSize: 512 },
  fallbackReason: null,
  wrongOperators: ['ReduceMean in f16'],
  facts: {
    adapter: { vendor: 'some', subgroups: '32 to 32' },
    limits: { maxBufferSize: 1024 },
    features: ['subgroups'],
    checks: [
      { what: 'Conv in f16', right: true, figure: 'error 0.001, at most 0.05' },
      { what: 'ReduceMean in f16', right: false, figure: 'error 3.0, at most 0.05' },
    ],
    workedRound: ['ReduceMean in f16: everything in f32'],
    build: 'jspi',
  },
};
const stats = {
  seconds: 12.34,
  unetRows: 1,
  rowsBeforeFork: 2,
  rowsAfterFork: 3,
  perturbedSites: [],
  keptWithoutPag: false,
  stepMilliseconds: 456.7,
  tiles: 16,
};
const job = (device: DeviceInfo | null, shown: unknown = null) =>
  ({ device, shown, model: null }) as Pick<Job, 'device' | 'shown' | 'model'>;

test('of a GPU: what it answered, what is worked round, and how quick it was', () => {
  const shown = { stats, size: { width: 512, height: 768 } };
  expect(deviceReport(job(gpu, shown), here)).toBe(
    [
      'Pagoda 1.2.3, onnxruntime-web 1.30.0',
      'Browser: Some Browser',
      'Machine: 8 cores, memory not told, secure context, isolated',
      'Device: Some GPU (WebGPU, f32, jspi build)',
      'Adapter: vendor some, subgroups 32 to 32',
      'Features: subgroups',
      'Limits:',
      '  maxBufferSize: 1024',
      'Known answers:',
      '  Conv in f16: right (error 0.001, at most 0.05)',
      '  ReduceMean in f16: WRONG (error 3.0, at most 0.05)',
      'Worked round: ReduceMean in f16: everything in f32',
      'Last run: 512 × 768, 457 ms a step, 12.3 s in all, 2 rows before the fork and 3 behind it, decoded in 16 tiles',
      '',
    ].join('\n'),
  );
});

test('of a CPU: its threads, and why there is no WebGPU', () => {
  const cpu: DeviceInfo = {
    ...gpu,
    backend: 'wasm',
    adapter: 'CPU',
    threads: 1,
    limits: null,
    fallbackReason: 'No WebGPU here.',
  };
  const said = deviceReport(job(cpu), { ...here, memoryGiB: 8, isolated: false, secure: false });
  expect(said.split('\n').slice(2)).toEqual([
    'Machine: 8 cores, about 8 GB, plain http, not isolated',
    'Device: CPU (WASM with SIMD, 1 thread, jspi build)',
    'Why no WebGPU: No WebGPU here.',
    'Last run: none',
    '',
  ]);
  expect(deviceReport(job({ ...cpu, fallbackReason: null }), here)).toContain('Why no WebGPU: the CPU was chosen\n');
});

test('before the engine has started', () => {
  expect(deviceReport(job(null), here)).toContain('Device: the engine has not started\n');
});
