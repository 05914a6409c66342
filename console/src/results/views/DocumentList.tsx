import { useQueries } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useMemo, useRef } from "react";
import { findsPlaces } from "../../kinds/results";
import type { ResultKind } from "../../kinds/rows.generated";
import type { PlacedRecord } from "../worker/messages";
import { percent, placeOf, type TopicNames, typeLabel } from "./labels";
import { topicNames } from "./topics";
import type { OpenArchive } from "./useArchive";
import "./results.css";

interface Props {
  readonly kind: ResultKind;
  readonly archive: OpenArchive;
  /** The version of the texts that have been read. */
  readonly texts: number;
  readonly numbers: Uint32Array;
  /** The index of the chosen document in the list. */
  readonly at: number;
  readonly onChoose: (at: number) => void;
}

const ROW_HEIGHT = 80;
const PAGE = 25;

/** The documents of a result. Only the visible ones of a million are in the page. Arrow keys move between them. */
export function DocumentList({ kind, archive, texts, numbers, at, onChoose }: Props) {
  const topics = useMemo(() => topicNames(archive.summary), [archive]);
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: numbers.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 8,
  });
  const seen = virtual.getVirtualItems();
  const pages = [...new Set(seen.map(({ index }) => Math.floor(index / PAGE)))];
  const answers = useQueries({
    queries: pages.map((page) => {
      const wanted = [...numbers.subarray(page * PAGE, (page + 1) * PAGE)];
      return {
        queryKey: ["results", "rows", archive.id, texts, wanted.join()],
        placeholderData: (before: readonly PlacedRecord[] | undefined) => before,
        queryFn: () => archive.client.ask("rows", { numbers: wanted }),
        staleTime: Number.POSITIVE_INFINITY,
        gcTime: 30_000,
      };
    }),
  });
  const rows = new Map<number, PlacedRecord>();
  for (const { data } of answers) for (const row of data ?? []) rows.set(row.number, row);
  useEffect(() => {
    if (at < numbers.length) virtual.scrollToIndex(at, { align: "auto" });
  }, [at, numbers.length, virtual]);
  const onKeyDown = (event: KeyboardEvent): void => {
    const to = target(event.key, at, numbers.length);
    if (to === undefined) return;
    event.preventDefault();
    onChoose(to);
  };
  const active = seen.some(({ index }) => index === at) ? rowId(archive, at) : undefined;
  return (
    <div
      ref={scroller}
      className="document-list"
      role="listbox"
      tabIndex={0}
      aria-label="Documents"
      aria-activedescendant={active}
      onKeyDown={onKeyDown}
      data-testid="document-list"
    >
      <div className="document-list-inner" role="presentation" style={{ blockSize: virtual.getTotalSize() }}>
        {seen.map(({ index, start, size }) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the list itself handles the keys.
          <div
            key={index}
            id={rowId(archive, index)}
            className="document-row"
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            aria-setsize={numbers.length}
            aria-posinset={index + 1}
            style={{ blockSize: size, transform: `translateY(${start}px)` }}
            onClick={() => onChoose(index)}
          >
            <Row kind={kind} row={rows.get(numbers[index] as number)} topics={topics} />
          </div>
        ))}
      </div>
    </div>
  );
}

interface RowProps {
  readonly kind: ResultKind;
  readonly row: PlacedRecord | undefined;
  readonly topics: TopicNames;
}

function Row({ kind, row, topics }: RowProps) {
  if (row === undefined) return <span>Loading</span>;
  return (
    <>
      <div className="document-row-place">
        <bdi>{placeOf(row)}</bdi>
      </div>
      <div className="document-row-found">
        <bdi>{summaryOf(kind, row, topics)}</bdi>
      </div>
      {row.excerpt !== undefined && (
        <div className="document-row-text">
          <bdi>{row.excerpt}</bdi>
        </div>
      )}
    </>
  );
}

/** The findings of a document in one line. */
export function summaryOf(kind: ResultKind, row: PlacedRecord, topics?: TopicNames): string {
  if (row.error) return `Error: ${row.error.code}`;
  if (row.findings.length === 0) return "Nothing found";
  if (findsPlaces(kind)) {
    return row.findings.map(({ text, type }) => (text ?? type).slice(0, 60)).join(", ");
  }
  return row.findings.map(({ type, score }) => `${typeLabel(kind, type, topics)} ${percent(score)}`).join(", ");
}

function target(key: string, at: number, count: number): number | undefined {
  const moves: Readonly<Record<string, number>> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    PageDown: at + 10,
    PageUp: at - 10,
    Home: 0,
    End: count - 1,
  };
  const to = moves[key];
  return to === undefined || count === 0 ? undefined : Math.min(Math.max(to, 0), count - 1);
}

function rowId(archive: OpenArchive, index: number): string {
  return `document-${archive.id}-${index}`;
}
