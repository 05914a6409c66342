import type { RefObject } from "react";
import { type ColumnWidth, filled, fitted } from "./tableWidths";
import { useContentWidth } from "./useContentWidth";

/** Pixels beside the columns: the frame of the table, and its selection boxes. */
const FRAME = 40;
const SELECTION = 54;

interface Options {
  readonly selection?: boolean;
  /** The column that gets the space that is left over; by default the table's last one. */
  readonly filling?: number;
}

interface Widths {
  /** For the element around the table. */
  readonly ref: RefObject<HTMLDivElement | null>;
  readonly widths: readonly number[];
  /** The id of a column. The table reads a width only when it first sees the id, so other widths come with other ids. */
  readonly idOf: (id: string) => string;
}

/** Fit the columns into their table. They stay where they are when its page is turned, if it has ``resizableColumns``. */
export function useColumnWidths(columns: readonly ColumnWidth[], { selection = false, filling }: Options = {}): Widths {
  const { ref, room: whole } = useContentWidth();
  const room = whole === undefined ? undefined : whole - FRAME - (selection ? SELECTION : 0);
  const widths = filling === undefined ? fitted(columns, room) : filled(columns, room, filling);
  return { ref, widths, idOf: (id) => `${id} ${widths.join()}` };
}
