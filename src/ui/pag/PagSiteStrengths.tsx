// SoftPAG layer by layer: u of each chosen self-attention, where it is to differ from that of the run.

import { PAG_RULES } from '../../settings/pagOptions';
import { useStore } from '../../store/store';
import { chosenSites } from '../../store/drawnUnet';
import { NumberField } from '../settings/NumberField';
import styles from './PagAdvanced.module.css';

export function PagSiteStrengths() {
  const layers = useStore((store) => store.settings.layers);
  const pag = useStore((store) => store.settings.pag);
  const sites = useStore((store) => store.job.model?.sites);
  const change = useStore((store) => store.change);
  const named = sites ? chosenSites(layers, sites) : '';
  if (!sites || typeof named === 'string') return null;
  const set = (name: string, strength: number) => {
    const others = Object.fromEntries(Object.entries(pag.siteIdentity).filter(([key]) => key !== name));
    change({ pag: { ...pag, siteIdentity: strength === pag.identity ? others : { ...others, [name]: strength } } });
  };
  const own = Object.keys(pag.siteIdentity).length;
  return (
    <details className={styles.advanced}>
      <summary>u layer by layer{own > 0 && ` (${own} of their own)`}</summary>
      <div className={styles.fields}>
        <div className={styles.columns}>
          {sites
            .filter((site) => named.has(site.name))
            .map(({ name, comfyName }) => (
              <NumberField
                key={name}
                label={`u of ${comfyName}`}
                value={pag.siteIdentity[name] ?? pag.identity}
                rule={PAG_RULES.identity}
                hint={name in pag.siteIdentity ? 'Its own.' : 'That of the run.'}
                onChange={(strength) => set(name, strength)}
              />
            ))}
        </div>
        {own > 0 && (
          <button type="button" onClick={() => change({ pag: { ...pag, siteIdentity: {} } })}>
            One u for all
          </button>
        )}
      </div>
    </details>
  );
}
