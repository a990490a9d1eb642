// The UNet as a U: from full resolution down at the left, up at the right. Each self-attention is a button that puts
// it into the layer set or takes it out; its colour says what the perturbed row makes of it.

import { useSeries } from '../../store/series';
import { useStore } from '../../store/store';
import { chosenSites, drawUnet, layersText, type DrawnBlock, type DrawnSite } from '../../store/drawnUnet';
import { costText } from './guidanceWords';
import styles from './UnetDrawing.module.css';

const ROLES: Readonly<Record<DrawnSite['role'], string>> = {
  perturbed: 'perturbed',
  shared: 'shared by both predictions',
  repeated: 'run again for the perturbed one',
};

export function UnetDrawing() {
  const layers = useStore((store) => store.settings.layers);
  const guidanceScale = useStore((store) => store.settings.guidanceScale);
  const change = useStore((store) => store.change);
  const model = useStore((store) => store.job.model);
  if (!model || model.sites.length === 0) return null;
  const named = chosenSites(layers, model.sites);
  const chosen: ReadonlySet<string> = typeof named === 'string' ? new Set() : named;
  const toggle = (name: string) => {
    const next = new Set(chosen);
    if (!next.delete(name)) next.add(name);
    // One must stay: an empty set is an error, and scale 0 turns PAG off.
    if (next.size > 0) change({ layers: layersText(model.sites, next) });
  };
  const drawing = drawUnet(model, chosen);
  return (
    <div className={styles.drawing} role="group" aria-label="Self-attentions of the UNet">
      {drawing.levels.map(({ down, up }, level) => (
        <div key={level} className={styles.level} style={{ paddingInline: `${6 * level}px` }}>
          <Block block={down} onToggle={toggle} />
          <Block block={up} onToggle={toggle} />
        </div>
      ))}
      <div className={styles.mid}>
        <Block block={drawing.mid} onToggle={toggle} />
      </div>
      <ul className={styles.legend} aria-hidden="true">
        {(Object.keys(ROLES) as DrawnSite['role'][]).map((role) => (
          <li key={role}>
            <span className={styles[role]} /> {ROLES[role]}
          </li>
        ))}
      </ul>
      <p className={styles.text}>
        {typeof named === 'string'
          ? named
          : costText(drawing.perturbed, model.sites.length, drawing.share, guidanceScale, model.guidanceEmbedded)}
      </p>
      {model.sites.length > 1 && (
        <button type="button" className={styles.each} onClick={() => useSeries.getState().beginOverLayers()}>
          Try each layer alone
        </button>
      )}
    </div>
  );
}

function Block({ block: { name, tokens, sites }, onToggle }: { block: DrawnBlock; onToggle: (name: string) => void }) {
  const label = name.replace('_blocks.', ' ').replace('_block', '');
  return (
    <div className={styles.block}>
      <span className={styles.label}>
        {label}
        <small>{sites.length === 0 ? 'no self-attention' : tokens === null ? '' : `${tokens} tokens`}</small>
      </span>
      <span className={styles.sites}>
        {sites.map(({ site, role }) => (
          <button
            key={site.name}
            type="button"
            className={styles[role]}
            aria-pressed={role === 'perturbed'}
            aria-label={`${site.comfyName}, ${site.name}, ${ROLES[role]}`}
            title={site.name}
            onClick={() => onToggle(site.name)}
          >
            {site.comfyName}
          </button>
        ))}
      </span>
    </div>
  );
}
