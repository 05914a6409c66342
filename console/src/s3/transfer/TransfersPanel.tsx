import Button from "@cloudscape-design/components/button";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { readError } from "../../api/errors";
import { counted, formatBytes } from "../../components/format";
import { type Column, ResourceTable } from "../../components/ResourceTable";
import { shownKey } from "../keys";
import { cancelTransfer, cancelTransfers, clearTransfers, isOpen, type Transfer, useTransfers } from "./store";

const COLUMNS: Column<Transfer>[] = [
  {
    id: "key",
    header: "Key",
    value: (each) => each.key,
    cell: (each) => <span dir="auto">{shownKey(each.key)}</span>,
  },
  {
    id: "kind",
    header: "What",
    value: (each) => each.kind,
    cell: (each) => (each.kind === "upload" ? "Upload" : "Download"),
  },
  { id: "size", header: "Size", value: (each) => each.size, cell: (each) => formatBytes(each.size) },
  { id: "state", header: "State", value: (each) => each.state, cell: (each) => <State transfer={each} /> },
  {
    id: "cancel",
    header: "Action",
    cell: (each) =>
      isOpen(each) && (
        <Button
          variant="inline-link"
          ariaLabel={`Cancel ${shownKey(each.key)}`}
          onClick={() => cancelTransfer(each.id)}
        >
          Cancel
        </Button>
      ),
  },
];

/** The uploads and downloads of all buckets; hidden if there are none. */
export function TransfersPanel() {
  const all = useTransfers();
  if (all.length === 0) return null;
  const open = all.filter(isOpen).length;
  const failed = all.filter((each) => each.state === "failed").length;
  const size = all.reduce((sum, each) => sum + each.size, 0);
  const moved = all.reduce((sum, each) => sum + each.moved, 0);
  return (
    <SpaceBetween size="s">
      <ProgressBar
        label="Transfers"
        description={`${counted(open, "transfer")} to go${failed > 0 ? `, ${failed} failed` : ""}`}
        additionalInfo={`${formatBytes(moved)} of ${formatBytes(size)}`}
        value={size === 0 ? (open === 0 ? 100 : 0) : (100 * moved) / size}
      />
      <ResourceTable
        title="Transfers"
        noun="transfer"
        items={all}
        keyOf={(each) => each.id}
        columns={COLUMNS}
        pageSize={10}
        empty="No transfers."
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={open === 0} onClick={cancelTransfers}>
              Cancel all
            </Button>
            <Button disabled={open === all.length} onClick={clearTransfers}>
              Remove finished transfers
            </Button>
          </SpaceBetween>
        }
      />
    </SpaceBetween>
  );
}

function State({ transfer }: { readonly transfer: Transfer }) {
  const { state, moved, size, error } = transfer;
  if (state === "done") return <StatusIndicator type="success">Done</StatusIndicator>;
  if (state === "cancelled") return <StatusIndicator type="stopped">Cancelled</StatusIndicator>;
  if (state === "waiting") return <StatusIndicator type="pending">Waiting</StatusIndicator>;
  if (state === "running") {
    const percent = size === 0 ? 0 : Math.floor((100 * moved) / size);
    return <StatusIndicator type="in-progress">{percent} %</StatusIndicator>;
  }
  const { code, message, advice } = readError(error);
  const text =
    code === "PreconditionFailed"
      ? "An object with this key already exists. Choose to replace objects, or choose another folder."
      : `${code}: ${message} ${advice ?? ""}`;
  return <StatusIndicator type="error">{text}</StatusIndicator>;
}
