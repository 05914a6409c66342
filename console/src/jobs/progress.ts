import { counted, formatNumber } from "../components/format";
import type { JobRun } from "./runs";

const PHASES: Readonly<Record<string, string>> = {
  QUEUED: "Waiting for its turn",
  PREPARING: "Its network is being created",
  RUNNING: "Running",
  STOPPING: "Finishing early",
  FINISHING: "Its containers and interfaces are being removed",
};

/** The percentage of documents that are done; undefined while the total is not known. */
export function percentDone(run: JobRun): number | undefined {
  const total = run.TotalDocuments;
  if (total === undefined || total <= 0) return undefined;
  return Math.min(100, Math.floor((100 * run.Documents) / total));
}

/** The progress of a job in words: "1,200 of 6,000 documents, 46 a second, about 86 to 104 s left". */
export function progressWords(run: JobRun): string {
  if (run.Phase === "QUEUED") return queueWords(run.QueuePosition);
  if (run.Phase !== "RUNNING" && run.Phase !== "STOPPING") return PHASES[run.Phase] ?? run.Phase;
  if (run.Documents === 0 && run.TotalDocuments === undefined) return PHASES[run.Phase] ?? run.Phase;
  const words = [documentWords(run.Documents, run.TotalDocuments)];
  if (run.DocumentsPerSecond !== undefined) words.push(rateWords(run.DocumentsPerSecond));
  if (run.SecondsLeft !== undefined && run.SecondsLeftAtLeast !== undefined)
    words.push(`${about(run.SecondsLeftAtLeast, run.SecondsLeft)} left`);
  return words.join(", ");
}

const UNITS = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
] as const;

/** A range of seconds in one unit: "about 2 to 5 min". The lower end is rounded down and the upper end up. */
export function about(least: number, most: number): string {
  const [unit, length] = UNITS.find(([, each]) => most >= 2 * each) ?? ["s", 1];
  const [from, to] = [Math.max(0, Math.floor(least / length)), Math.max(1, Math.ceil(most / length))];
  return from === to ? `about ${to} ${unit}` : `about ${from} to ${to} ${unit}`;
}

function documentWords(done: number, total: number | undefined): string {
  return total === undefined ? counted(done, "document") : `${formatNumber(done)} of ${counted(total, "document")}`;
}

function queueWords(before: number | undefined): string {
  if (before === undefined) return PHASES["QUEUED"] ?? "";
  return before === 0 ? "Next of its type" : `${counted(before, "job")} of its type before it`;
}

/** A rate in a readable unit: a second, a minute or an hour. */
export function rateWords(perSecond: number): string {
  const units = [
    [1, "a second"],
    [60, "a minute"],
    [3600, "an hour"],
  ] as const;
  const [factor, unit] = units.find(([each]) => perSecond * each >= 0.5) ?? ([3600, "an hour"] as const);
  const value = perSecond * factor;
  return `${value >= 100 ? formatNumber(Math.round(value)) : value.toFixed(1)} ${unit}`;
}
