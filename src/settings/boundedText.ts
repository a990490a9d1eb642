// Texts within bounds. Length: no text encoder reads as much. Marks: browsers lay out a run of combining marks in a
// time that grows with its square (100,000 of them stop a page for half a minute); no writing has more than 30 on a
// letter, which is also the bound of Unicode's Stream-Safe Text Format (UAX 15).

export interface BoundedText {
  readonly text: string;
  /** What was left out, as a sentence; null where nothing was. */
  readonly note: string | null;
}

const MARKS = /(\p{M}{30})\p{M}+/gu;

/**
 * At most `max` UTF-16 units, ended between two letters as a reader sees them, never inside a surrogate pair.
 * @param said the number in the note, where `max` is only the room that is left.
 */
export function boundedText(given: string, max: number, said = max): BoundedText {
  const text = given.replace(MARKS, '$1');
  if (text.length <= max)
    return { text, note: text === given ? null : 'A letter has at most 30 marks; the rest of them was left out.' };
  const end = new Intl.Segmenter().segment(text).containing(max)?.index ?? max;
  return { text: text.slice(0, end), note: `This field takes ${said} letters; the rest was left out.` };
}
