import { DeleteFlowLogsCommand, type FlowLog } from "@aws-sdk/client-ec2";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { formatTime } from "../../components/format";
import { RouterButton } from "../../components/RouterButton";
import { RouterLink } from "../../components/RouterLink";
import { flowLogs } from "../data/reads";
import { refuseUnsuccessful } from "../data/unsuccessful";
import { CreateFlowLog } from "../forms/CreateFlowLog";
import { IdLink } from "../IdLink";
import type { Kind } from "./kind";

const isInLogs = (flowLog: FlowLog): boolean => flowLog.LogDestinationType === "cloud-watch-logs";
const placeOf = (flowLog: FlowLog): string =>
  (isInLogs(flowLog) ? flowLog.LogGroupName : flowLog.LogDestination) ?? "-";

function Delivery({ flowLog }: { readonly flowLog: FlowLog }) {
  if (flowLog.DeliverLogsStatus === undefined)
    return <StatusIndicator type="pending">nothing delivered yet</StatusIndicator>;
  const failed = flowLog.DeliverLogsStatus === "FAILED";
  return (
    <StatusIndicator type={failed ? "error" : "success"}>
      {flowLog.DeliverLogsStatus}
      {failed && `: ${flowLog.DeliverLogsErrorMessage ?? "no reason given"}`}
    </StatusIndicator>
  );
}

export const FLOW_LOGS: Kind<FlowLog> = {
  path: "/vpc/flow-logs",
  title: "Flow logs",
  noun: "flow log",
  idPrefix: "fl-",
  read: flowLogs,
  idOf: (flowLog) => flowLog.FlowLogId ?? "",
  tagsOf: (flowLog) => flowLog.Tags,
  columns: [
    {
      id: "resource",
      header: "Resource",
      cell: (flowLog) => <IdLink id={flowLog.ResourceId} />,
      value: (flowLog) => flowLog.ResourceId,
    },
    {
      id: "traffic",
      header: "Traffic",
      cell: (flowLog) => flowLog.TrafficType,
      value: (flowLog) => flowLog.TrafficType,
    },
    { id: "place", header: "Destination", cell: placeOf, value: placeOf },
    {
      id: "delivery",
      header: "Delivery",
      cell: (flowLog) => <Delivery flowLog={flowLog} />,
      value: (flowLog) => flowLog.DeliverLogsStatus,
    },
  ],
  details: (flowLog) => [
    { label: "Resource", value: <IdLink id={flowLog.ResourceId} /> },
    { label: "Traffic", value: flowLog.TrafficType },
    { label: "Delivery", value: <Delivery flowLog={flowLog} /> },
    { label: isInLogs(flowLog) ? "Log group" : "Bucket", value: placeOf(flowLog) },
    { label: "Role", value: flowLog.DeliverLogsPermissionArn ?? "-" },
    { label: "Window", value: `at most ${flowLog.MaxAggregationInterval} seconds` },
    { label: "Created", value: flowLog.CreationTime === undefined ? "-" : formatTime(flowLog.CreationTime) },
    { label: "Format", value: <span className="mono">{flowLog.LogFormat}</span> },
  ],
  empty: (
    <>
      A flow log records all traffic of a VPC, subnet or interface, accepted or rejected. It cannot be changed, only
      replaced. <RouterLink to="/vpc/create">A private VPC for jobs</RouterLink> comes with one.
    </>
  ),
  create: { label: "Create flow log", Form: CreateFlowLog },
  remove: {
    act: async (ec2, flowLog) => {
      const ids = [flowLog.FlowLogId ?? ""];
      refuseUnsuccessful((await ec2.send(new DeleteFlowLogsCommand({ FlowLogIds: ids }))).Unsuccessful);
    },
    warning: "Delivered records stay.",
  },
  Actions: ({ item }) =>
    isInLogs(item) ? <RouterButton to={`/vpc/flow-records?log=${item.FlowLogId}`}>Flow records</RouterButton> : null,
};
