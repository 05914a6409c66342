import type { TextRow } from "../kinds/row";
import { TEXT_ROWS } from "../kinds/rows.generated";

/** A kind of synchronous analysis. */
export type Kind = TextRow;

/** The most texts of a batch, and the most bytes of each. */
export const BATCH_TEXTS = 25;
export const BATCH_TEXT_BYTES = 5_000;

/** In the order of the tabs. */
export const KINDS: readonly Kind[] = TEXT_ROWS;

/** Those that analyze several texts at once. */
export const BATCH_KINDS: readonly Kind[] = KINDS.filter(({ batch }) => batch !== undefined);

/** The most bytes that any kind accepts. */
export const MOST_TEXT_BYTES = Math.max(...KINDS.map(({ textBytes }) => textBytes));

export function kindOf(id: string): Kind {
  const found = KINDS.find((each) => each.id === id);
  if (found === undefined) throw new Error(`there is no kind of analysis named ${id}`);
  return found;
}
