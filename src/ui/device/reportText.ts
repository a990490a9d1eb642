// What a bug report needs of the device, as plain text: what it is, what it was asked for and answered, what is worked
// round, how quick it was, and which versions ran.

import type { DeviceFacts, DeviceInfo } from '../../protocol/loaded';
import type { Job } from '../../store/job';

/** What the page knows of its own surroundings. */
export interface Surroundings {
  readonly appVersion: string;
  readonly libraries: Readonly<Record<string, string>>;
  readonly userAgent: string;
  readonly isolated: boolean;
  readonly secure: boolean;
  readonly cores: number;
  /** `navigator.deviceMemory`; undefined where the browser does not say. */
  readonly memoryGiB: number | undefined;
}

/** Lines of "name: value". */
export function deviceReport(
  { device, shown, model }: Pick<Job, 'device' | 'shown' | 'model'>,
  here: Surroundings,
): string {
  const memory = here.memoryGiB === undefined ? 'memory not told' : `about ${here.memoryGiB} GB`;
  const lines = [
    `Pagoda ${here.appVersion}, onnxruntime-web ${here.libraries['onnxruntime-web'] ?? 'unknown'}`,
    `Browser: ${here.userAgent}`,
    `Machine: ${here.cores} cores, ${memory}, ` +
      `${here.secure ? 'secure context' : 'plain http'}, ${here.isolated ? 'isolated' : 'not isolated'}`,
    ...(device ? deviceLines(device) : ['Device: the engine has not started']),
    ...(model ? [`Model: ${model.id}`] : []),
    ...runLines(shown),
  ];
  return `${lines.join('\n')}\n`;
}

function deviceLines(device: DeviceInfo): string[] {
  const { facts } = device;
  const onGpu = device.backend === 'webgpu';
  const how = onGpu
    ? `WebGPU, ${device.f16 ? 'f16' : 'f32'}`
    : `WASM with SIMD, ${device.threads} ${device.threads === 1 ? 'thread' : 'threads'}`;
  return [
    `Device: ${device.adapter} (${how}${facts ? `, ${facts.build} build` : ''})`,
    ...(onGpu ? [] : [`Why no WebGPU: ${device.fallbackReason ?? 'the CPU was chosen'}`]),
    ...(onGpu && facts ? gpuLines(facts) : []),
  ];
}

function gpuLines({ adapter, limits, features, checks, workedRound }: DeviceFacts): string[] {
  return [
    `Adapter: ${Object.entries(adapter)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ')}`,
    `Features: ${features.join(', ') || 'none'}`,
    'Limits:',
    ...Object.entries(limits).map(([name, value]) => `  ${name}: ${value}`),
    'Known answers:',
    ...checks.map(({ what, right, figure }) => `  ${what}: ${right ? 'right' : 'WRONG'} (${figure})`),
    `Worked round: ${workedRound.join('; ') || 'nothing'}`,
  ];
}

function runLines(shown: Job['shown']): string[] {
  const stats = shown?.stats;
  if (!shown || !stats) return ['Last run: none'];
  const { stepMilliseconds: step, tiles, seconds, rowsBeforeFork, rowsAfterFork } = stats;
  const { width, height } = shown.size;
  const parts = [
    `${width} × ${height}`,
    ...(step === undefined ? [] : [`${step < 10 ? step.toFixed(1) : Math.round(step)} ms a step`]),
    `${seconds.toFixed(1)} s in all`,
    `${rowsBeforeFork} rows before the fork and ${rowsAfterFork} behind it`,
    `decoded ${tiles ? `in ${tiles} tiles` : 'whole'}`,
  ];
  return [`Last run: ${parts.join(', ')}`];
}
