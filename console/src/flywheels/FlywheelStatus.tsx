import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { statusOf } from "./flywheel";

/** The status of a flywheel, a dataset or an iteration. */
export function FlywheelStatus({ status }: { readonly status: string }) {
  const { type, label } = statusOf(status);
  return (
    <StatusIndicator type={type} wrapText={false}>
      {label}
    </StatusIndicator>
  );
}
