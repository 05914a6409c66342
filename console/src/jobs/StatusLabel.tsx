import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";

const KNOWN: Readonly<Record<string, readonly [StatusIndicatorProps.Type, string]>> = {
  SUBMITTED: ["pending", "Submitted"],
  IN_PROGRESS: ["in-progress", "In progress"],
  COMPLETED: ["success", "Completed"],
  FAILED: ["error", "Failed"],
  STOP_REQUESTED: ["in-progress", "Stop requested"],
  STOPPED: ["stopped", "Stopped"],
};

/** The name of a job's status, as in AWS's console. */
export function statusWords(status: string | undefined): string {
  return KNOWN[status ?? ""]?.[1] ?? status ?? "-";
}

interface Props {
  readonly status: string | undefined;
  /** Whether it completed with problems, such as documents that failed. */
  readonly warned?: boolean;
}

export function StatusLabel({ status, warned = false }: Props) {
  const type = warned ? "warning" : (KNOWN[status ?? ""]?.[0] ?? "info");
  return <StatusIndicator type={type}>{statusWords(status)}</StatusIndicator>;
}
