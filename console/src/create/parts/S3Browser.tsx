import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { formatBytes, formatTime } from "../../components/format";
import { type Column, ResourceTable } from "../../components/ResourceTable";
import { useFirstField } from "../../components/useFirstField";
import { parseS3Uri, type S3Place } from "./s3Uri";
import { type Entry, useBuckets, useFolder } from "./useStorage";

interface Props {
  readonly mode: "read" | "write";
  /** The location in the field, where browsing begins. */
  readonly start: string;
  readonly onChoose: (uri: string) => void;
  readonly onDismiss: () => void;
}

/** The caller's buckets and their contents, to choose a location from. */
export function S3Browser({ mode, start, onChoose, onDismiss }: Props) {
  const begin = parseS3Uri(start);
  const [place, setPlace] = useState<S3Place>({
    bucket: begin?.bucket ?? "",
    key: begin?.key.slice(0, begin.key.lastIndexOf("/") + 1) ?? "",
  });
  const uri = `s3://${place.bucket}/${place.key}`;
  const fields = useFirstField();
  return (
    <Modal
      visible
      size="large"
      header={mode === "read" ? "Choose what to read" : "Choose where to write the results"}
      closeAriaLabel="Close"
      onDismiss={onDismiss}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onDismiss}>
              Cancel
            </Button>
            <Button variant="primary" disabled={place.bucket === ""} onClick={() => onChoose(uri)}>
              Choose this location
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <div ref={fields}>
        <SpaceBetween size="m">
          <Box>
            {place.bucket === "" ? (
              "Open a bucket."
            ) : (
              <>
                Location:{" "}
                <b dir="ltr" data-testid="s3-place">
                  {uri}
                </b>
              </>
            )}
          </Box>
          {place.bucket !== "" && (
            <Button iconName="angle-up" onClick={() => setPlace(above(place))}>
              {place.key === "" ? "All buckets" : "One folder up"}
            </Button>
          )}
          {place.bucket === "" ? (
            <Buckets onOpen={(bucket) => setPlace({ bucket, key: "" })} />
          ) : (
            <Folder
              place={place}
              mode={mode}
              onOpen={(key) => setPlace({ ...place, key })}
              onChoose={(key) => onChoose(`s3://${place.bucket}/${key}`)}
            />
          )}
        </SpaceBetween>
      </div>
    </Modal>
  );
}

function Buckets({ onOpen }: { readonly onOpen: (bucket: string) => void }) {
  const buckets = useBuckets();
  const columns: Column<string>[] = [
    {
      id: "name",
      header: "Name",
      value: (name) => name,
      cell: (name) => (
        <Button variant="inline-link" onClick={() => onOpen(name)}>
          {name}
        </Button>
      ),
    },
  ];
  return (
    <ResourceTable
      title="Buckets"
      noun="bucket"
      headerVariant="h3"
      items={buckets.data}
      loading={buckets.isPending}
      error={buckets.error}
      onRefresh={() => void buckets.refetch()}
      columns={columns}
      keyOf={(name) => name}
      empty="You have no bucket. Close this, and create one with “New bucket with documents”."
    />
  );
}

interface FolderProps {
  readonly place: S3Place;
  readonly mode: "read" | "write";
  readonly onOpen: (key: string) => void;
  readonly onChoose: (key: string) => void;
}

function Folder({ place, mode, onOpen, onChoose }: FolderProps) {
  const folder = useFolder(place.bucket, place.key);
  const inside = (item: Entry): string => item.key.slice(place.key.length);
  const columns: Column<Entry>[] = [
    {
      id: "name",
      header: "Name",
      value: inside,
      cell: (item) =>
        item.isFolder || mode === "read" ? (
          <Button
            variant="inline-link"
            iconName={item.isFolder ? "folder" : "file"}
            ariaLabel={item.isFolder ? `Open the folder ${inside(item)}` : `Choose the object ${inside(item)}`}
            onClick={() => (item.isFolder ? onOpen(item.key) : onChoose(item.key))}
          >
            {inside(item)}
          </Button>
        ) : (
          <span dir="auto">{inside(item)}</span>
        ),
    },
    {
      id: "size",
      header: "Size",
      value: (item) => item.size,
      cell: (item) => (item.size === undefined ? "-" : formatBytes(item.size)),
    },
    {
      id: "modified",
      header: "Last modified",
      value: (item) => item.modified?.getTime(),
      cell: (item) => (item.modified === undefined ? "-" : formatTime(item.modified)),
    },
  ];
  return (
    <ResourceTable
      title="Objects"
      noun="object"
      headerVariant="h3"
      items={folder.data}
      loading={folder.isPending}
      error={folder.error}
      onRefresh={() => void folder.refetch()}
      actions={
        folder.hasNextPage && (
          <Button loading={folder.isFetchingNextPage} onClick={() => void folder.fetchNextPage()}>
            Load more
          </Button>
        )
      }
      description={folder.hasNextPage ? "Not all are loaded yet." : undefined}
      columns={columns}
      keyOf={(item) => item.key}
      empty="There is nothing here yet."
    />
  );
}

function above({ bucket, key }: S3Place): S3Place {
  if (key === "") return { bucket: "", key: "" };
  return { bucket, key: key.slice(0, key.slice(0, -1).lastIndexOf("/") + 1) };
}
