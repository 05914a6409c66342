import { useState } from "react";

/** How a user wants a list to look. It contains no secret and is stored in the browser. */
export interface TablePreferences {
  readonly pageSize: number;
  /** The columns in order, including the hidden ones. */
  readonly columns: readonly { readonly id: string; readonly visible: boolean }[];
}

const PREFIX = "reading-room-table-";
export const PAGE_SIZES = [10, 25, 50, 100];

/** Stored preferences, for the columns that exist now. Damaged values and removed columns are left out. */
export function readPreferences(stored: string | null, ids: readonly string[], pageSize: number): TablePreferences {
  let known: Partial<TablePreferences> = {};
  try {
    const read: unknown = JSON.parse(stored ?? "{}");
    if (typeof read === "object" && read !== null) known = read;
  } catch {
    // Not written by the console: ignore it.
  }
  const columns = (Array.isArray(known.columns) ? known.columns : []).filter(
    (column): column is { id: string; visible: boolean } =>
      typeof column === "object" && column !== null && ids.includes(column.id) && typeof column.visible === "boolean",
  );
  const there = columns.map(({ id }) => id);
  const fresh = ids.filter((id) => !there.includes(id)).map((id) => ({ id, visible: true }));
  const all = [...new Map([...columns, ...fresh].map((column) => [column.id, column])).values()];
  const size = known.pageSize;
  return {
    pageSize: typeof size === "number" && PAGE_SIZES.includes(size) ? size : pageSize,
    // A list without columns could not be changed back.
    columns: all.some(({ visible }) => visible) ? all : ids.map((id) => ({ id, visible: true })),
  };
}

/** The preferences of the list with this name, and a function that changes them. */
export function usePreferences(name: string, ids: readonly string[], pageSize: number) {
  const key = PREFIX + name;
  const [stored, setStored] = useState(() => localStorage.getItem(key));
  const set = (preferences: TablePreferences): void => {
    const text = JSON.stringify(preferences);
    setStored(text);
    localStorage.setItem(key, text);
  };
  return { preferences: readPreferences(stored, ids, pageSize), set };
}
