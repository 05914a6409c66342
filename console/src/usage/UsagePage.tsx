import Button from "@cloudscape-design/components/button";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useReadingRoom } from "../api/readingRoom";
import { formatBytes, formatDuration, formatNumber } from "../components/format";
import { Page } from "../components/Page";
import { type Column, ResourceTable } from "../components/ResourceTable";
import { saveAs } from "../components/saveAs";
import { csvOf, type DiskUse, type DiskUseAnswer, diskName, months, type UsageAnswer, type UsageEntry } from "./usage";

const MONTHS = 24;

function numbers(id: keyof UsageEntry, header: string): Column<UsageEntry> {
  return { id, header, value: (entry) => entry[id], cell: (entry) => formatNumber(Number(entry[id])) };
}

const USAGE_COLUMNS: Column<UsageEntry>[] = [
  { id: "Kind", header: "Kind or operation", value: (entry) => entry.Kind, cell: (entry) => entry.Kind },
  numbers("Times", "Jobs or calls"),
  numbers("Documents", "Documents"),
  numbers("Characters", "Characters"),
  numbers("Units", "Units"),
  {
    id: "InputBytes",
    header: "Input (topics)",
    value: (entry) => entry.InputBytes,
    cell: (entry) => (entry.InputBytes === 0 ? "-" : formatBytes(entry.InputBytes)),
  },
  {
    id: "TrainingSeconds",
    header: "Training time",
    value: (entry) => entry.TrainingSeconds,
    cell: (entry) => (entry.TrainingSeconds === 0 ? "-" : formatDuration(entry.TrainingSeconds * 1000)),
  },
];

const DISK_COLUMNS: Column<DiskUse>[] = [
  { id: "Kind", header: "Data", value: (use) => diskName(use.Kind), cell: (use) => diskName(use.Kind) },
  { id: "Bytes", header: "Size", value: (use) => use.Bytes, cell: (use) => formatBytes(use.Bytes) },
  {
    id: "Limit",
    header: "Limit",
    value: (use) => use.Limit,
    cell: (use) => (use.Limit === undefined ? "-" : formatBytes(use.Limit)),
  },
];

export default function UsagePage() {
  const call = useReadingRoom();
  const [choices] = useState(() => months(new Date(), MONTHS).map((month) => ({ value: month, label: month })));
  const [month, setMonth] = useState(choices[0]);
  const usage = useQuery({
    queryKey: ["reading-room", "GetUsage", month?.value],
    queryFn: ({ signal }) => call<UsageAnswer>("GetUsage", { Month: month?.value }, signal),
  });
  const disk = useQuery({
    queryKey: ["reading-room", "GetDiskUse"],
    queryFn: ({ signal }) => call<DiskUseAnswer>("GetDiskUse", {}, signal),
  });
  const { data } = usage;
  return (
    <Page title="Usage" description="What this account has used in a month, and how much space its data takes.">
      <ResourceTable
        title="Billing units"
        noun="kind"
        name="usage"
        items={data?.Usage}
        columns={USAGE_COLUMNS}
        keyOf={(entry) => entry.Kind}
        loading={usage.isPending}
        error={usage.error}
        onRefresh={() => void usage.refetch()}
        description="A unit is 100 characters, and a document has at least 3 units. Months are those of UTC."
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Select
              ariaLabel="Month"
              options={choices}
              selectedOption={month ?? null}
              onChange={({ detail }) =>
                setMonth(choices.find(({ value }) => value === detail.selectedOption.value) ?? month)
              }
            />
            <Button
              disabled={data === undefined || data.Usage.length === 0}
              onClick={() =>
                data !== undefined && saveAs(new Blob([csvOf(data)], { type: "text/csv" }), `usage-${data.Month}.csv`)
              }
            >
              Download CSV
            </Button>
          </SpaceBetween>
        }
        empty="No jobs and no real-time calls were counted in this month."
      />
      <ResourceTable
        title="Disk use"
        noun="kind of data"
        name="disk-use"
        items={disk.data?.DiskUse}
        columns={DISK_COLUMNS}
        keyOf={(use) => use.Kind}
        loading={disk.isPending}
        error={disk.error}
        onRefresh={() => void disk.refetch()}
        description="Deletions of the last minute may not be counted yet."
        empty="The account has no data."
      />
    </Page>
  );
}
