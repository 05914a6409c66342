import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { statusOf } from "./model";

export function ModelStatus({ status }: { readonly status: string }) {
  const { type, label } = statusOf(status);
  return (
    <StatusIndicator type={type} wrapText={false}>
      {label}
    </StatusIndicator>
  );
}
