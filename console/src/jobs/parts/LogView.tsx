import "./logview.css";
import Box from "@cloudscape-design/components/box";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Toggle from "@cloudscape-design/components/toggle";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";
import { useLogs } from "../../api/logs";
import { ErrorAlert } from "../../components/ErrorAlert";
import { counted, formatNumber, formatTime } from "../../components/format";
import { KEPT_LINES, type LogLine, type LogTail, linesWith, NOTHING_READ, readOn } from "../logStream";

interface Props {
  readonly group: string;
  readonly stream: string;
  /** Whether more lines may follow. */
  readonly active: boolean;
}

const LINE_PIXELS = 24;
const NEAR_THE_END = 40;

/**
 * A log stream of CloudWatch Logs, followed while it grows. It can be searched, and stays fast with any number of
 * lines.
 */
export function LogView({ group, stream, active }: Props) {
  const client = useLogs();
  const queries = useQueryClient();
  const [wanted, setWanted] = useState("");
  const [follow, setFollow] = useState(true);
  const key = ["logs", "GetLogEvents", group, stream];
  const { data, error, isPending, refetch } = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => readOn(client, group, stream, queries.getQueryData<LogTail>(key) ?? NOTHING_READ, signal),
    refetchInterval: active ? 2_000 : false,
    structuralSharing: false,
  });
  // The last lines of a job are written as it ends.
  useEffect(() => {
    if (!active) void refetch();
  }, [active, refetch]);
  const lines = data?.lines ?? [];
  const found = linesWith(lines, wanted);
  return (
    <SpaceBetween size="s">
      <Header
        variant="h2"
        description={
          <>
            The stream <bdi className="mono">{stream}</bdi> of the log group <bdi className="mono">{group}</bdi> in
            CloudWatch Logs.
          </>
        }
      >
        Log
      </Header>
      {error !== null && <ErrorAlert what="The log cannot be read" error={error} onRetry={() => void refetch()} />}
      <SpaceBetween size="s" direction="horizontal" alignItems="center">
        <Input
          type="search"
          ariaLabel="Search in the log"
          placeholder="Search in the log"
          value={wanted}
          onChange={({ detail }) => setWanted(detail.value)}
        />
        <Toggle checked={follow} onChange={({ detail }) => setFollow(detail.checked)}>
          Follow
        </Toggle>
        <Box color="text-body-secondary">
          <span role="status">
            {wanted.trim() === ""
              ? counted(lines.length, "line")
              : `${counted(found.length, "line")} of ${formatNumber(lines.length)}`}
          </span>
        </Box>
      </SpaceBetween>
      {lines.length >= KEPT_LINES && <Box>Only the newest {formatNumber(KEPT_LINES)} lines are kept here.</Box>}
      {lines.length === 0 && error === null ? (
        <Box>{isPending ? "Reading the log." : "Nothing has been written yet."}</Box>
      ) : (
        <Lines lines={found} follow={follow && wanted === ""} onScrolledAway={() => setFollow(false)} />
      )}
    </SpaceBetween>
  );
}

interface LinesProps {
  readonly lines: readonly LogLine[];
  readonly follow: boolean;
  readonly onScrolledAway: () => void;
}

function Lines({ lines, follow, onScrolledAway }: LinesProps) {
  const box = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_PIXELS,
    overscan: 20,
  });
  useEffect(() => {
    if (follow && lines.length > 0) rows.scrollToIndex(lines.length - 1, { align: "end" });
  }, [follow, lines.length, rows]);
  const scrolled = (element: HTMLDivElement): void => {
    const left = element.scrollHeight - element.scrollTop - element.clientHeight;
    if (follow && left > NEAR_THE_END * LINE_PIXELS) onScrolledAway();
  };
  return (
    <div
      ref={box}
      className="job-log"
      role="log"
      aria-label="Lines of the log"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
      tabIndex={0}
      onWheel={(event) => scrolled(event.currentTarget)}
    >
      <div className="job-log-all" style={{ blockSize: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((row) => {
          const line = lines[row.index];
          return (
            <div
              key={row.key}
              ref={rows.measureElement}
              data-index={row.index}
              className="job-log-line"
              style={{ transform: `translateY(${row.start}px)` }}
            >
              <span className="job-log-time">{formatTime(line?.timestamp ?? 0, true)}</span>
              <bdi className="job-log-text">{line?.message}</bdi>
            </div>
          );
        })}
      </div>
    </div>
  );
}
