import "./timeline.css";
import Badge from "@cloudscape-design/components/badge";
import Box from "@cloudscape-design/components/box";
import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";
import { formatDuration, formatNumber, formatTime } from "../../components/format";
import type { JobEvent } from "../runs";
import { phases, type StoryLine, stepWords, timed, wordsOf } from "../story";
import { HostileText } from "./HostileText";

interface Props {
  readonly events: readonly JobEvent[];
  /** The end of the last phase while the job is active, in milliseconds since 1970. */
  readonly now?: number | undefined;
}

const TYPES: Readonly<Record<StoryLine["tone"], StatusIndicatorProps.Type>> = {
  neutral: "info",
  good: "success",
  warning: "warning",
  bad: "error",
};

/** The story of a job or a training, one event per line, in milliseconds, with the time between lines drawn. */
export function Timeline({ events, now }: Props) {
  if (events.length === 0) return <Box>Nothing has happened yet.</Box>;
  return (
    <div>
      <PhaseBar events={events} now={now} />
      <ol className="job-timeline" aria-label="Events, oldest first">
        {timed(events).map((line) => (
          <Line key={line.number} line={line} first={line.number === 0} />
        ))}
      </ol>
    </div>
  );
}

function Line({ line, first }: { readonly line: StoryLine; readonly first: boolean }) {
  const { text, phase } = wordsOf(line);
  return (
    <li className="job-timeline-line">
      {!first && (
        <div className="job-timeline-gap">
          {/* Longer gaps are drawn longer, on the scale of their logarithm. */}
          <span
            className="job-timeline-length"
            style={{ inlineSize: `calc((100% - 180px) * ${Math.max(0.01, line.length).toFixed(3)})` }}
          />
          <span className="job-timeline-lasted">{formatGap(line.gap)}</span>
        </div>
      )}
      <div className="job-timeline-event">
        <time
          className="job-timeline-time"
          dateTime={new Date(line.At).toISOString()}
          title={formatTime(line.At, true)}
        >
          +{formatNumber(line.offset)} ms
        </time>
        <span className="job-timeline-name">
          <StatusIndicator type={TYPES[line.tone]}>{stepWords(line.Event)}</StatusIndicator>
          {phase !== undefined && <Badge>{phase}</Badge>}
        </span>
        <span className="job-timeline-text">
          <HostileText text={text} />
        </span>
      </div>
    </li>
  );
}

/** Where the time went: each phase is as wide as its duration. */
function PhaseBar({ events, now }: Props) {
  const spans = phases(events, now);
  if (spans.length === 0) return null;
  return (
    <ul className="job-phases" aria-label="Phases, each as wide as its duration">
      {spans.map((span) => (
        <li key={span.number} className={`job-phase job-phase-${span.number % 4}`} style={{ flexGrow: span.share }}>
          <span className="job-phase-name">{span.name}</span>
          <span className="job-phase-time">{formatDuration(span.milliseconds)}</span>
        </li>
      ))}
    </ul>
  );
}

function formatGap(milliseconds: number): string {
  const exact = `${formatNumber(milliseconds)} ms`;
  return milliseconds < 1000 ? exact : `${exact} (${formatDuration(milliseconds)})`;
}
