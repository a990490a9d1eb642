// How the PAG scale goes over a run, what tames it and how much is perturbed: every parameter that a system with PAG
// has, under the name that it has there. A preset sets them to one system's defaults.

import { useState } from 'react';
import type { Settings } from '../../settings/fields';
import { PAG_RULES } from '../../settings/pagOptions';
import { PRESETS, isAtPreset, presetOf } from '../../settings/presets';
import { useStore } from '../../store/store';
import { NumberField } from '../settings/NumberField';
import styles from './PagAdvanced.module.css';
import { PagCurve } from './PagCurve';
import { PagSiteStrengths } from './PagSiteStrengths';
import { SelectField } from '../settings/SelectField';

type Pag = Settings['pag'];

const OWN = 'own';
const ADAPTIVE: Readonly<Record<Pag['adaptive']['semantics'], string>> = {
  diffusers: 'diffusers: s − a·(1000 − t)',
  pamparamm: 'advanced node: s·(1 − a⁴·(1000 − t))',
};
const WINDOWS: Readonly<Record<Pag['window']['semantics'], string>> = {
  always: 'Every step',
  sigma: 'Advanced node: from σ to σ',
  forge: 'Forge: part of the steps',
  guider: 'diffusers’ guider: part of the steps',
  steps: 'incantations: from step to step',
};
const RESCALES: Readonly<Record<Pag['rescale']['mode'], string>> = {
  off: 'Off',
  full: 'Full',
  partial: 'Partial',
  snf: 'SNF',
};
const FIRST_WINDOW = { sigma: [-1, -1], forge: [0, 1], guider: [0.01, 0.2], steps: [0, 150] } as const;

export function PagAdvanced() {
  const settings = useStore((store) => store.settings);
  const change = useStore((store) => store.change);
  const { pag } = settings;
  const set = (changes: Partial<Pag>) => change({ pag: { ...pag, ...changes } });
  // Several systems start from the same numbers: the one that was chosen is named as long as they stand.
  const [chosen, setChosen] = useState<string | null>(null);
  const preset = chosen && isAtPreset(settings, chosen) ? chosen : presetOf(settings);
  const own = chosen ? `${PRESETS[chosen]?.name ?? ''}, with your numbers` : 'Your own numbers';
  return (
    <details className={styles.advanced}>
      <summary>PAG over the run</summary>
      <div className={styles.fields}>
        <SelectField
          label="Preset"
          value={preset ?? OWN}
          options={{
            ...(preset === null && { [OWN]: own }),
            ...Object.fromEntries(Object.entries(PRESETS).map(([key, { name }]) => [key, name])),
          }}
          hint={
            preset === null
              ? 'Sets scale, layers and all below to the defaults of another system.'
              : (PRESETS[preset]?.what ?? '')
          }
          onChange={(key) => {
            if (key === OWN) return;
            setChosen(key);
            change(PRESETS[key]?.settings ?? {});
          }}
        />
        <PagCurve />
        <WindowFields pag={pag} set={set} />
        <SelectField
          label="Adaptive formula"
          value={pag.adaptive.semantics}
          options={ADAPTIVE}
          hint="Whose formula lets s fall as the noise falls; t goes from 999 to 0."
          onChange={(semantics) => set({ adaptive: { ...pag.adaptive, semantics } })}
        />
        <div className={styles.columns}>
          <NumberField
            label="Adaptive scale"
            value={pag.adaptive.amount}
            rule={PAG_RULES.adaptive}
            hint="a of that formula (pag_adaptive_scale, adaptive_scale); 0 is off."
            onChange={(amount) => set({ adaptive: { ...pag.adaptive, amount } })}
          />
          <NumberField
            label="Attenuation %"
            value={pag.attenuation}
            rule={PAG_RULES.attenuation}
            hint="Forge: s falls by so many percent of it with each step of the window."
            onChange={(attenuation) => set({ attenuation })}
          />
        </div>
        <Rescale pag={pag} set={set} />
        <div className={styles.columns}>
          <NumberField
            label="Guidance rescale φ"
            value={pag.guidanceRescale}
            rule={PAG_RULES.fraction}
            hint="diffusers’ guidance_rescale: pulls the contrast of the whole prediction back to the prompt’s own."
            onChange={(guidanceRescale) => set({ guidanceRescale })}
          />
          <NumberField
            label="Perturbation u"
            value={pag.identity}
            rule={PAG_RULES.identity}
            hint="SoftPAG: 1 replaces the attention map by the identity, less blends it, 0 perturbs nothing."
            onChange={(identity) => set({ identity })}
          />
        </div>
        <PagSiteStrengths />
      </div>
    </details>
  );
}

interface PartProps {
  readonly pag: Pag;
  readonly set: (changes: Partial<Pag>) => void;
}

function WindowFields({ pag: { window }, set }: PartProps) {
  const choose = (semantics: Pag['window']['semantics']) => {
    if (semantics === 'always') {
      set({ window: { semantics } });
      return;
    }
    const [start, stop] = FIRST_WINDOW[semantics];
    set({ window: { semantics, start, stop } });
  };
  const inSigma = window.semantics === 'sigma';
  const inSteps = window.semantics === 'steps';
  const rule = inSigma ? PAG_RULES.sigma : inSteps ? PAG_RULES.step : PAG_RULES.fraction;
  return (
    <>
      <SelectField
        label="Window"
        value={window.semantics}
        options={WINDOWS}
        hint="In which steps PAG is active; outside them the perturbed row is not run."
        onChange={choose}
      />
      {window.semantics !== 'always' && (
        <div className={styles.columns}>
          <NumberField
            label={inSigma ? 'sigma_start' : inSteps ? 'Start step' : 'Start'}
            value={window.start}
            rule={rule}
            hint={
              inSigma
                ? 'Active from this σ down; negative: from the start.'
                : inSteps
                  ? 'The first step with PAG; incantations counts the first two as 0.'
                  : 'Part of the run at which PAG begins.'
            }
            onChange={(start) => set({ window: { ...window, start } })}
          />
          <NumberField
            label={inSigma ? 'sigma_end' : inSteps ? 'End step' : 'Stop'}
            value={window.stop}
            rule={rule}
            hint={
              inSigma
                ? 'Active above this σ; negative: to the end.'
                : inSteps
                  ? 'The last step with PAG.'
                  : 'Part of the run at which PAG ends.'
            }
            onChange={(stop) => set({ window: { ...window, stop } })}
          />
        </div>
      )}
    </>
  );
}

const RESCALE_HINT =
  'Tames over-cooked colours: scales the PAG term by deviations (rescale_mode full, partial), ' +
  'or takes CFG or PAG where each is more salient (SNF).';

function Rescale({ pag: { rescale }, set }: PartProps) {
  const amount = 'amount' in rescale ? rescale.amount : 0.7;
  const choose = (mode: Pag['rescale']['mode']) =>
    set({ rescale: mode === 'off' || mode === 'snf' ? { mode } : { mode, amount } });
  return (
    <>
      <SelectField label="Rescale" value={rescale.mode} options={RESCALES} hint={RESCALE_HINT} onChange={choose} />
      {'amount' in rescale && (
        <NumberField
          label="Rescale amount"
          value={rescale.amount}
          rule={PAG_RULES.fraction}
          hint="How much of it: 0 is off, 1 is whole."
          onChange={(value) => set({ rescale: { ...rescale, amount: value } })}
        />
      )}
    </>
  );
}
