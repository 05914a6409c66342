import { counted, formatNumber } from "../components/format";
import type { JobContainer, JobEvent } from "./runs";

/** A line of a story with its position in time. */
export interface StoryLine extends JobEvent {
  /** Its index in the story, from 0. */
  readonly number: number;
  /** Milliseconds since the first line. */
  readonly offset: number;
  /** Milliseconds since the line before. */
  readonly gap: number;
  /** The drawn length of the gap, from 0 to 1, on a logarithmic scale: both 5 ms and 5 minutes are visible. */
  readonly length: number;
  readonly tone: "neutral" | "good" | "warning" | "bad";
}

export interface Phase {
  /** Its index among the phases, from 0. */
  readonly number: number;
  readonly name: string;
  readonly milliseconds: number;
  readonly share: number;
}

const PHASE_WORDS: Readonly<Record<string, string>> = {
  queued: "Waiting",
  preparing: "Preparing",
  running: "Running",
  stopping: "Stopping",
  finishing: "Finishing",
};
const LONGEST = Math.log10(600_000);
const PHASE = /\[(\w+)\]$/;
const INTERFACE = /\beni-[0-9a-f]{8,17}\b/g;
const READY = /(eni-[0-9a-f]{8,17})(?: ready)? in (subnet-[0-9a-f]{8,17}) at (\d{1,3}(?:\.\d{1,3}){3})/g;
const TONES: Readonly<Record<string, StoryLine["tone"]>> = {
  Warning: "warning",
  HostProblem: "warning",
  ContainerLost: "warning",
  MemberLost: "warning",
  Reduced: "warning",
  InterfaceRemoved: "warning",
  PreparationFailed: "bad",
  WorkerFailed: "bad",
  TimedOut: "bad",
  OutputSeen: "good",
};

/** The labels of a story's steps; the log has the program's own names. */
const STEP_WORDS: Readonly<Record<string, string>> = {
  Submitted: "Submitted",
  Admitted: "Its turn has come",
  Prepared: "Network interface created",
  PreparationFailed: "Network could not be prepared",
  Reduced: "Runs in one container",
  MemberPrepared: "Another container prepared",
  MemberLost: "A container was lost",
  MemberLeft: "A container finished",
  OutputSeen: "Results written",
  WorkerFailed: "The analysis failed",
  ContainerLost: "The container was lost",
  StopRequested: "Stop requested",
  StopOverdue: "Did not stop in time",
  TimedOut: "Took too long",
  Released: "Network interface removed",
  InterfaceRemoved: "Network interface removed from outside",
  HostProblem: "Problem of the host",
  Warning: "Warning",
};

/** The label of a step; an unknown step is labelled with the words of its name: "Something Happened". */
export function stepWords(event: string): string {
  return STEP_WORDS[event] ?? event.replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ");
}

/** Return a story's lines with their positions in time. */
export function timed(events: readonly JobEvent[]): StoryLine[] {
  const ordered = [...events].sort((one, other) => one.At - other.At);
  const start = ordered[0]?.At ?? 0;
  return ordered.map((event, index) => {
    const gap = event.At - (ordered[index - 1]?.At ?? event.At);
    return {
      ...event,
      number: index,
      offset: event.At - start,
      gap,
      length: gap <= 0 ? 0 : Math.min(1, Math.log10(gap + 1) / LONGEST),
      tone: TONES[event.Event] ?? "neutral",
    };
  });
}

/** The phases of a job with their durations; the last one lasts until ``now`` while the job is active. */
export function phases(events: readonly JobEvent[], now: number | undefined): Phase[] {
  const ordered = [...events].sort((one, other) => one.At - other.At);
  const first = ordered[0];
  if (first === undefined) return [];
  const spans: { name: string; from: number; until: number }[] = [];
  let name = "queued";
  let from = first.At;
  for (const event of ordered) {
    const next = PHASE.exec(event.Text)?.[1];
    if (next === undefined || next === name) continue;
    spans.push({ name, from, until: event.At });
    name = next;
    from = event.At;
  }
  if (now !== undefined && name in PHASE_WORDS) spans.push({ name, from, until: Math.max(now, from) });
  const total = spans.reduce((sum, span) => sum + span.until - span.from, 0);
  return spans.map((span, number) => ({
    number,
    name: PHASE_WORDS[span.name] ?? span.name,
    milliseconds: span.until - span.from,
    share: total === 0 ? 1 / spans.length : (span.until - span.from) / total,
  }));
}

/** The form in which the program reports results: "results written: 5 documents, 1 errors". Stories of old begin otherwise. */
const OUTPUT = /^(?:output seen|results written): (\d+) documents?, (\d+) errors?/;

function outputWords(documents: number, errors: number): string {
  return `${counted(documents, "document")}, ${errors === 0 ? "none" : formatNumber(errors)} with an error`;
}

/** The text of a line without the phase at its end, which the timeline shows separately. */
export function wordsOf(event: JobEvent): { readonly text: string; readonly phase: string | undefined } {
  const phase = PHASE.exec(event.Text)?.[1];
  const text = phase === undefined ? event.Text : event.Text.replace(PHASE, "").trimEnd();
  return {
    text: text.replace(OUTPUT, (_, documents, errors) => outputWords(Number(documents), Number(errors))),
    phase,
  };
}

/** Parse a line of a job's log stream, "Event: text", into a line of its story. */
export function eventOf(line: { readonly timestamp?: number; readonly message?: string }): JobEvent {
  const message = line.message ?? "";
  const found = /^([A-Za-z]+): (.*)$/s.exec(message);
  return { At: line.timestamp ?? 0, Event: found?.[1] ?? "Line", Text: found?.[2] ?? message };
}

export interface UsedInterface {
  readonly id: string;
  readonly subnet?: string | undefined;
  readonly address?: string | undefined;
  /** The container that has it now; absent if the interface is gone. */
  readonly container?: JobContainer | undefined;
}

/** Every interface that a job has had: those of its containers, and removed ones from its story. */
export function interfacesOf(events: readonly JobEvent[], containers: readonly JobContainer[]): UsedInterface[] {
  const found = new Map<string, UsedInterface>();
  for (const { Event, Text } of events) {
    // Only these lines are written by the service alone; others quote messages, which may name any interface.
    if (Event !== "Prepared" && Event !== "MemberPrepared") continue;
    for (const [id] of Text.matchAll(INTERFACE)) found.set(id, { id });
    for (const [, id, subnet, address] of Text.matchAll(READY)) if (id) found.set(id, { id, subnet, address });
  }
  for (const container of containers) {
    const id = container.NetworkInterfaceId;
    if (id === undefined) continue;
    const known = found.get(id);
    found.set(id, {
      id,
      subnet: container.SubnetId ?? known?.subnet,
      address: container.PrivateIpAddress ?? known?.address,
      container,
    });
  }
  return [...found.values()];
}
