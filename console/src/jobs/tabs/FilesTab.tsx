import { HeadObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { hasCode } from "../../api/errors";
import { useS3 } from "../../api/s3";
import { ErrorAlert } from "../../components/ErrorAlert";
import { formatBytes, formatTime } from "../../components/format";
import { type Column, ResourceTable } from "../../components/ResourceTable";
import { RouterButton } from "../../components/RouterButton";
import type { S3Place } from "../../create/parts/s3Uri";
import { type JobKind, jobPath } from "../kinds";
import { StorageLink } from "../parts/ResourceLinks";
import { storagePath, storagePlace } from "../places";
import { hasResults, type JobProperties } from "../properties";

interface Props {
  readonly kind: JobKind;
  readonly job: JobProperties;
}

/** The input and output of a job. */
export function FilesTab({ kind, job }: Props) {
  const input = storagePlace(job.InputDataConfig?.S3Uri);
  const output = storagePlace(job.OutputDataConfig?.S3Uri);
  return (
    <SpaceBetween size="l">
      {output !== undefined && !kind.folder && <Output kind={kind} job={job} place={output} />}
      {output !== undefined && kind.folder && (
        <Objects
          title="Output"
          place={output}
          description="An object for each input file."
          results={hasResults(job.JobStatus) ? `${jobPath(kind, job.JobId ?? "")}/results` : undefined}
        />
      )}
      {input !== undefined && (
        <Objects
          title="Input"
          place={input}
          description="Every object whose key begins with the input's prefix now; the job read the objects that existed when it ran."
        />
      )}
    </SpaceBetween>
  );
}

function Output({ kind, job, place }: Props & { readonly place: S3Place }) {
  const s3 = useS3();
  const { data, error, refetch } = useQuery({
    queryKey: ["s3", "HeadObject", place.bucket, place.key, job.JobStatus],
    queryFn: ({ signal }) =>
      s3.send(new HeadObjectCommand({ Bucket: place.bucket, Key: place.key }), { abortSignal: signal }),
  });
  const missing = hasCode(error, "NotFound", "NoSuchKey");
  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={
            job.JobStatus === "COMPLETED" && (
              <RouterButton to={`${jobPath(kind, job.JobId ?? "")}/results`}>Read the results</RouterButton>
            )
          }
        >
          Output
        </Header>
      }
    >
      <SpaceBetween size="s">
        <KeyValuePairs
          columns={3}
          items={[
            { label: "Archive", value: <StorageLink uri={job.OutputDataConfig?.S3Uri} /> },
            { label: "Size", value: data?.ContentLength === undefined ? "-" : formatBytes(data.ContentLength) },
            { label: "Written", value: data?.LastModified === undefined ? "-" : formatTime(data.LastModified) },
          ]}
        />
        {missing && <Box>There is no archive: a job writes it as its last step, and a failed job writes none.</Box>}
        {error !== null && !missing && (
          <ErrorAlert what="The archive cannot be described" error={error} onRetry={() => void refetch()} />
        )}
      </SpaceBetween>
    </Container>
  );
}

interface InputObject {
  readonly key: string;
  readonly size: number;
  readonly modified: Date | undefined;
}

const COLUMNS: readonly Column<InputObject>[] = [
  { id: "key", header: "Key", cell: ({ key }) => <bdi>{key}</bdi>, value: ({ key }) => key },
  { id: "size", header: "Size", cell: ({ size }) => formatBytes(size), value: ({ size }) => size },
  {
    id: "modified",
    header: "Last modified",
    cell: ({ modified }) => (modified === undefined ? "-" : formatTime(modified)),
    value: ({ modified }) => modified?.getTime(),
  },
];

interface ObjectsProps {
  readonly title: string;
  readonly place: S3Place;
  readonly description: string;
  /** The path of the page that shows what the objects have. */
  readonly results?: string | undefined;
}

function Objects({ title, place, description, results }: ObjectsProps) {
  const s3 = useS3();
  const list = useInfiniteQuery({
    queryKey: ["s3", "ListObjectsV2", place.bucket, place.key],
    queryFn: ({ pageParam, signal }) =>
      s3.send(
        new ListObjectsV2Command({
          Bucket: place.bucket,
          Prefix: place.key,
          ...(pageParam !== undefined && { ContinuationToken: pageParam }),
        }),
        { abortSignal: signal },
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.NextContinuationToken,
    staleTime: 30_000,
  });
  const objects = useMemo(
    () =>
      list.data?.pages.flatMap((page) =>
        (page.Contents ?? []).map(({ Key, Size, LastModified }) => ({
          key: Key ?? "",
          size: Size ?? 0,
          modified: LastModified,
        })),
      ),
    [list.data],
  );
  return (
    <ResourceTable
      title={title}
      noun="object"
      items={objects}
      columns={COLUMNS}
      keyOf={(row) => row.key}
      loading={list.isPending}
      error={list.error ?? undefined}
      onRefresh={() => void list.refetch()}
      description={description}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          {list.hasNextPage && (
            <Button loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              List more
            </Button>
          )}
          <RouterButton to={storagePath(place)}>Open in storage</RouterButton>
          {results !== undefined && <RouterButton to={results}>Read the results</RouterButton>}
        </SpaceBetween>
      }
      empty={<Box variant="p">No key begins with this prefix now.</Box>}
    />
  );
}
