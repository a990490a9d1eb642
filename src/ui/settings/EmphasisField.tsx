// How prompts are read: whose brackets weigh words, and what becomes of long ones.

import type { Emphasis } from '../../prompt/pieces';
import { useStore } from '../../store/store';
import { choiceLabels } from './choiceLabels';
import { SelectField } from './SelectField';

export function EmphasisField() {
  const emphasis = useStore((store) => store.settings.emphasis);
  const change = useStore((store) => store.change);
  return (
    <SelectField
      label="Read prompts as"
      value={emphasis}
      options={choiceLabels('emphasis')}
      hint={HINTS[emphasis]}
      onChange={(emphasis) => change({ emphasis })}
    />
  );
}

const HINTS: Readonly<Record<Emphasis, string>> = {
  a1111: '(word) or (word:1.3) weighs more, [word] less. Long prompts are read whole, in chunks.',
  'a1111-no-norm': 'As in A1111 with “No norm”: weights change the mean too, which suits SDXL.',
  comfy: '(word) or (word:1.3) weighs more. Long prompts are read whole, in chunks.',
  plain: 'Brackets are words. The end of a long prompt is not read.',
};
