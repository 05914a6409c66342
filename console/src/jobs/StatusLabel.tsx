import StatusIndicator, { type StatusIndicatorProps } from "@cloudscape-design/components/status-indicator";

const KNOWN: Readonly<Record<string, readonly [StatusIndicatorProps.Type, string]>> = {
  SUBMITTED: ["pending", "Submitted"],
  IN_PROGRESS: ["in-progress", "In progress"],
  COMPLETED: ["success", "Completed"],
  FAILED: ["error", "Failed"],
  STOP_REQUESTED: ["in-progress", "Stop requested"],
  STOPPED: ["stopped", "Stopped"],
};

/** The name of a job's status as the original console has it. */
export function statusWords(status: string | undefined): string {
  return KNOWN[status ?? ""]?.[1] ?? status ?? "-";
}

export function StatusLabel({ status }: { readonly status: string | undefined }) {
  const type = KNOWN[status ?? ""]?.[0] ?? "info";
  return <StatusIndicator type={type}>{statusWords(status)}</StatusIndicator>;
}
