import StatusIndicator from "@cloudscape-design/components/status-indicator";

/** The decision, in AWS's term. */
export function Decision({ decision }: { readonly decision: string }) {
  if (decision === "allowed") return <StatusIndicator type="success">allowed</StatusIndicator>;
  if (decision === "explicitDeny") {
    return <StatusIndicator type="error">explicitDeny: a statement denies it</StatusIndicator>;
  }
  return <StatusIndicator type="stopped">implicitDeny: no statement allows it</StatusIndicator>;
}
