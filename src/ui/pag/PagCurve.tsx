// s(σ): the PAG scale of each step over its noise level, noisiest at the left, σ logarithmic. A filled dot is a step
// in which the perturbed row runs, a ring on the ground line one in which it does not.

import { pagCurve, type CurvePoint } from '../../store/scaleByStep';
import { useStartImage } from '../../store/startImage';
import { useStore } from '../../store/store';
import styles from './PagCurve.module.css';

const WIDTH = 320;
const HEIGHT = 96;
const GROUND = HEIGHT - 18;
const MARGIN = 8;

export function PagCurve() {
  const settings = useStore((store) => store.settings);
  const scheduler = useStore((store) => store.job.model?.scheduler);
  const encodes = useStore((store) => store.job.model?.encodes);
  const fromImage = useStartImage((store) => store.chosen !== null) && encodes !== false;
  if (!scheduler) return null;
  const curve = pagCurve(settings, scheduler, fromImage);
  if (typeof curve === 'string') return <p className={styles.text}>There is no curve: {curve}</p>;
  const active = curve.filter((point) => point.scale > 0).length;
  const highest = Math.max(...curve.map((point) => point.scale), 1e-9);
  const places = curve.map((point, index) => ({
    ...point,
    x: across(curve, index),
    y: GROUND - (point.scale / highest) * (GROUND - 20),
  }));
  return (
    <figure className={styles.figure}>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`PAG scale over the steps. ${summary(active, curve.length)}`}
      >
        <line x1={0} x2={WIDTH} y1={GROUND} y2={GROUND} className={styles.ground} />
        <polyline points={places.map(({ x, y }) => `${x},${y}`).join(' ')} className={styles.line} />
        {places.map(({ x, y, step, scale, sigma, timestep }, index) => (
          <circle key={index} cx={x} cy={y} r={3} className={scale > 0 ? styles.active : styles.idle}>
            <title>{`Step ${step + 1}: s ${round(scale)}, σ ${round(sigma)}, t ${round(timestep)}`}</title>
          </circle>
        ))}
        <text x={0} y={10}>
          s {round(highest < 1e-6 ? 0 : highest)}
        </text>
        <text x={0} y={HEIGHT - 3}>
          σ {round(curve[0]?.sigma ?? 0)}
        </text>
        <text x={WIDTH} y={HEIGHT - 3} textAnchor="end">
          {round(curve.at(-1)?.sigma ?? 0)}
        </text>
      </svg>
      <figcaption className={styles.text}>{summary(active, curve.length)}</figcaption>
    </figure>
  );
}

function summary(active: number, all: number): string {
  const saved = all - active;
  if (saved === 0) return `PAG runs in all ${all} UNet passes.`;
  if (active === 0) return `PAG runs in none of ${all} UNet passes.`;
  return (
    `PAG runs in ${active} of ${all} UNet passes; ` +
    `${saved} perturbed ${saved === 1 ? 'pass is' : 'passes are'} saved.`
  );
}

/** Noise from the first to the last step on a logarithmic axis; evenly spaced where σ is no finite positive number. */
function across(curve: readonly CurvePoint[], index: number): number {
  const logs = curve.map(({ sigma }) => Math.log(sigma));
  const [first, last, own] = [logs[0], logs.at(-1), logs[index]] as [number, number, number];
  const part =
    logs.every(Number.isFinite) && first > last
      ? (first - own) / (first - last)
      : index / Math.max(1, curve.length - 1);
  return MARGIN + part * (WIDTH - 2 * MARGIN);
}

function round(value: number): string {
  return String(Number(value.toPrecision(3)));
}
