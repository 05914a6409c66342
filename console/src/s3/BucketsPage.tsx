import type { Bucket } from "@aws-sdk/client-s3";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useS3 } from "../api/s3";
import { formatTime } from "../components/format";
import { Page } from "../components/Page";
import { ResourceTable } from "../components/ResourceTable";
import { RouterLink } from "../components/RouterLink";
import { bucketHref } from "./keys";
import { listBuckets } from "./listing";
import { CreateBucket } from "./parts/CreateBucket";
import { DeleteBucket } from "./parts/DeleteBucket";
import { TransfersPanel } from "./transfer/TransfersPanel";

export default function BucketsPage() {
  const s3 = useS3();
  const [selected, setSelected] = useState<readonly Bucket[]>([]);
  const [open, setOpen] = useState<"create" | "delete">();
  const buckets = useQuery({
    queryKey: ["s3", "ListBuckets"],
    refetchInterval: 10_000,
    queryFn: () => listBuckets(s3),
  });
  const chosen = selected[0]?.Name;
  return (
    <Page title="Buckets" description="Jobs read their documents from buckets and write their results to them.">
      <ResourceTable
        title="Buckets"
        noun="bucket"
        items={buckets.data}
        loading={buckets.isPending}
        error={buckets.error}
        onRefresh={() => void buckets.refetch()}
        keyOf={(bucket) => bucket.Name ?? ""}
        selection="single"
        selected={selected}
        onSelect={setSelected}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button
              disabled={chosen === undefined}
              disabledReason="Choose a bucket first."
              onClick={() => setOpen("delete")}
            >
              Delete
            </Button>
            <Button variant="primary" onClick={() => setOpen("create")}>
              Create bucket
            </Button>
          </SpaceBetween>
        }
        empty="A bucket contains objects: documents to analyze, results, logs. Create one, then upload a file."
        columns={[
          {
            id: "name",
            header: "Name",
            value: (bucket) => bucket.Name,
            cell: (bucket) => <RouterLink to={bucketHref(bucket.Name ?? "")}>{bucket.Name}</RouterLink>,
          },
          {
            id: "region",
            header: "Region",
            value: (bucket) => bucket.BucketRegion,
            cell: (bucket) => bucket.BucketRegion ?? "-",
          },
          {
            id: "created",
            header: "Created",
            value: (bucket) => bucket.CreationDate?.getTime(),
            cell: (bucket) => bucket.CreationDate && formatTime(bucket.CreationDate),
          },
        ]}
      />
      <TransfersPanel />
      {open === "create" && <CreateBucket onDismiss={() => setOpen(undefined)} />}
      {open === "delete" && chosen !== undefined && (
        <DeleteBucket
          bucket={chosen}
          onDismiss={() => setOpen(undefined)}
          onDeleted={() => {
            setOpen(undefined);
            setSelected([]);
          }}
        />
      )}
    </Page>
  );
}
