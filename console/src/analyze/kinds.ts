import type { TextRow } from "../kinds/row";
import { TEXT_ROWS } from "../kinds/rows.generated";

/** One analysis of a text at once. */
export type Kind = TextRow;

/** What a batch may have: texts, and bytes of each of them. */
export const BATCH_TEXTS = 25;
export const BATCH_TEXT_BYTES = 5_000;

/** In the order of the tabs. */
export const KINDS: readonly Kind[] = TEXT_ROWS;

/** The most bytes that any kind takes. */
export const MOST_TEXT_BYTES = Math.max(...KINDS.map(({ textBytes }) => textBytes));

export function kindOf(id: string): Kind {
  const found = KINDS.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no kind of analysis is called ${id}`);
  return found;
}
