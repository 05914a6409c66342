import Box from "@cloudscape-design/components/box";
import BreadcrumbGroup from "@cloudscape-design/components/breadcrumb-group";
import Button from "@cloudscape-design/components/button";
import Header from "@cloudscape-design/components/header";
import Pagination from "@cloudscape-design/components/pagination";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Table, { type TableProps } from "@cloudscape-design/components/table";
import TextFilter from "@cloudscape-design/components/text-filter";
import { useState } from "react";
import { useNavigate } from "react-router";
import { useS3 } from "../../api/s3";
import { ErrorAlert } from "../../components/ErrorAlert";
import { formatBytes, formatTime } from "../../components/format";
import { RouterLink } from "../../components/RouterLink";
import { type ColumnWidth, widthOf } from "../../components/tableWidths";
import { useColumnWidths } from "../../components/useColumnWidths";
import { bucketHref, foldersOf, shownName, unreachable } from "../keys";
import type { Entry } from "../listing";
import { download } from "../transfer/transfer";
import { CreateFolder } from "./CreateFolder";
import { DeleteObjects } from "./DeleteObjects";
import { UploadModal } from "./UploadModal";
import { useFolder } from "./useFolder";

interface Props {
  readonly bucket: string;
  readonly prefix: string;
}

const PAGES_IN_REACH = 7;
/** The widths of the columns, whatever the names on one page are. The names get the space that is left over. */
const WIDTHS: readonly ColumnWidth[] = [
  { width: 264, minWidth: 192 },
  widthOf({ header: "Kind", values: ["Folder"] }),
  widthOf({ header: "Size", values: ["123,456 bytes"] }),
  widthOf({ header: "Changed", values: [Date.now()] }),
];
const NAME = 0;

/** A folder of a bucket, with actions for its contents. */
export function ObjectBrowser({ bucket, prefix }: Props) {
  const s3 = useS3();
  const navigate = useNavigate();
  const [sought, setSought] = useState("");
  const [applied, setApplied] = useState("");
  const [selected, setSelected] = useState<readonly Entry[]>([]);
  const [open, setOpen] = useState<"upload" | "folder" | "delete">();
  const folder = useFolder(s3, bucket, prefix, applied);
  const { ref, widths, idOf } = useColumnWidths(WIDTHS, { selection: true, filling: NAME });
  const objects = selected.filter((entry) => !entry.folder);
  const reset = (): void => {
    folder.turnTo(1);
    setSelected([]);
  };
  return (
    <SpaceBetween size="m">
      <BreadcrumbGroup
        ariaLabel="Folders"
        items={[
          { text: bucket, href: bucketHref(bucket) },
          ...foldersOf(prefix).map((folder) => ({
            text: folder.name,
            href: bucketHref(bucket, { prefix: folder.prefix }),
          })),
        ]}
        onFollow={(event) => {
          event.preventDefault();
          navigate(event.detail.href);
        }}
      />
      {folder.error != null && (
        <ErrorAlert what="The objects cannot be listed" error={folder.error} onRetry={folder.again} />
      )}
      <div ref={ref}>
        <Table
          items={folder.shown}
          columnDefinitions={columns(bucket, prefix).map((column, at) => ({
            ...column,
            id: idOf(column.id ?? ""),
            width: widths[at],
            minWidth: WIDTHS[at]?.minWidth,
          }))}
          resizableColumns
          trackBy="key"
          variant="container"
          wrapLines
          loading={folder.loading}
          loadingText="Loading objects"
          selectionType="multi"
          selectedItems={[...selected]}
          onSelectionChange={({ detail }) => setSelected(detail.selectedItems)}
          ariaLabels={{
            tableLabel: "Objects",
            selectionGroupLabel: "Choose objects",
            allItemsSelectionLabel: () => "all",
            itemSelectionLabel: (_, entry) => shownName(entry.key, prefix),
          }}
          empty={
            <Box textAlign="center" padding="m">
              {applied === ""
                ? "This folder is empty. Upload documents for a job to read, or create a folder for its results."
                : "No name in this folder begins with this text."}
            </Box>
          }
          header={
            <Header
              variant="h2"
              counter={`(${folder.count}${folder.more ? "+" : ""})`}
              actions={
                <SpaceBetween direction="horizontal" size="xs">
                  <Button
                    iconName="refresh"
                    ariaLabel="Refresh objects"
                    onClick={() => {
                      reset();
                      folder.refresh();
                    }}
                  />
                  <Button
                    disabled={objects.length === 0 || selected.some((entry) => entry.folder || unreachable(entry.key))}
                    disabledReason="Choose objects: folders, and keys that browsers cannot request, cannot be downloaded."
                    onClick={() => {
                      for (const entry of objects) download(s3, bucket, entry.key, entry.size ?? 0);
                    }}
                  >
                    Download
                  </Button>
                  <Button disabled={selected.length === 0} onClick={() => setOpen("delete")}>
                    Delete
                  </Button>
                  <Button onClick={() => setOpen("folder")}>Create folder</Button>
                  <Button variant="primary" onClick={() => setOpen("upload")}>
                    Upload
                  </Button>
                </SpaceBetween>
              }
            >
              Objects
            </Header>
          }
          filter={
            <TextFilter
              filteringText={sought}
              filteringAriaLabel="Find by the beginning of the name"
              filteringPlaceholder="Beginning of the name"
              onChange={({ detail }) => setSought(detail.filteringText)}
              onDelayedChange={({ detail }) => {
                setApplied(detail.filteringText);
                reset();
              }}
            />
          }
          pagination={
            <Pagination
              currentPageIndex={folder.page}
              pagesCount={folder.pages}
              openEnd={folder.more}
              // In a folder of many pages, the last one takes long to reach.
              {...((folder.pages > PAGES_IN_REACH || folder.more) && { jumpToPage: { loading: folder.loading } })}
              ariaLabels={{
                nextPageLabel: "Next page",
                previousPageLabel: "Previous page",
                pageLabel: (number) => `Page ${number}`,
              }}
              onChange={({ detail }) => folder.turnTo(detail.currentPageIndex)}
            />
          }
        />
      </div>
      {open === "upload" && <UploadModal bucket={bucket} prefix={prefix} onDismiss={() => setOpen(undefined)} />}
      {open === "folder" && <CreateFolder bucket={bucket} prefix={prefix} onDismiss={() => setOpen(undefined)} />}
      {open === "delete" && (
        <DeleteObjects
          bucket={bucket}
          entries={selected}
          onDismiss={() => setOpen(undefined)}
          onDeleted={() => {
            setOpen(undefined);
            reset();
          }}
        />
      )}
    </SpaceBetween>
  );
}

function columns(bucket: string, prefix: string): TableProps.ColumnDefinition<Entry>[] {
  return [
    {
      id: "name",
      header: "Name",
      isRowHeader: true,
      cell: (entry) => (
        <RouterLink to={bucketHref(bucket, entry.folder ? { prefix: entry.key } : { key: entry.key })}>
          <span dir="auto">{shownName(entry.key, prefix)}</span>
        </RouterLink>
      ),
    },
    { id: "kind", header: "Kind", cell: (entry) => (entry.folder ? "Folder" : "Object") },
    { id: "size", header: "Size", cell: (entry) => (entry.size === undefined ? "-" : formatBytes(entry.size)) },
    { id: "changed", header: "Changed", cell: (entry) => (entry.changed ? formatTime(entry.changed) : "-") },
  ];
}
