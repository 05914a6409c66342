import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Checkbox from "@cloudscape-design/components/checkbox";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useS3 } from "../../api/s3";
import { formatBytes, formatNumber } from "../../components/format";
import { ResourceTable } from "../../components/ResourceTable";
import { RouterLink } from "../../components/RouterLink";
import type { JobProperties } from "../../jobs/properties";
import type { ResultKind } from "../../kinds/rows.generated";
import { readParts } from "../archive/source";
import type { DownloadRequest, Format } from "../downloads/build";
import { type Download, DownloadButtons } from "../parts/DownloadButtons";
import { NO_FILTER, type ResultFilter } from "../reading/filter";
import type { OpenArchive } from "./useArchive";
import type { InputTextsState } from "./useInputTexts";

interface Props {
  readonly kind: ResultKind;
  readonly job: JobProperties;
  readonly archive: OpenArchive;
  readonly filter: ResultFilter;
  readonly texts: InputTextsState;
}

const FORMATS: readonly (readonly [Format, string])[] = [
  ["csv", "CSV"],
  ["xlsx", "Excel (XLSX)"],
  ["parquet", "Parquet"],
  ["jsonl", "JSON lines"],
];

/** The archive's files, and downloads of the result in other formats. */
export function FilesView({ kind, job, archive, filter, texts }: Props) {
  const s3 = useS3();
  const [narrowed, setNarrowed] = useState(false);
  const { facts, summary, client } = archive;
  const filtering = JSON.stringify(filter) !== JSON.stringify(NO_FILTER);
  const stem = `${job.JobName ?? job.JobId ?? "job"}-${kind}`;
  const whole: Download = {
    id: "archive",
    label: `The archive (${formatBytes(facts.size)})`,
    fileName: `${stem}.tar.gz`,
    build: async (signal, onProgress) => {
      if (archive.bytes !== undefined) return archive.bytes;
      const parts: Blob[] = [];
      let read = 0;
      for await (const bytes of readParts(s3, facts, signal)) {
        parts.push(new Blob([bytes.slice()]));
        read += bytes.length;
        onProgress(read / facts.size);
      }
      return new Blob(parts, { type: "application/gzip" });
    },
  };
  const made = (request: DownloadRequest, name: string, label: string): Download => ({
    id: `${request.table}-${request.format}`,
    label,
    fileName: `${name}.${request.format}`,
    build: async (signal, onProgress) => {
      // Tables for people have the documents' text beside the findings.
      if (request.table === "documents" && (request.format === "csv" || request.format === "xlsx")) await texts.load();
      return signal.aborted ? undefined : client.ask("download", request, { signal, onProgress });
    },
  });
  const chosen = narrowed && filtering ? filter : undefined;
  const documents = FORMATS.map(([format, label]) =>
    made({ table: "documents", format, filter: chosen }, stem, kind === "topics" ? `Documents, ${label}` : label),
  );
  const terms =
    kind === "topics"
      ? FORMATS.map(([format, label]) => made({ table: "terms", format }, `${stem}-terms`, `Terms, ${label}`))
      : [];
  const names = summary.members.map(({ name }) => name);
  return (
    <SpaceBetween size="l">
      <Container
        header={
          <Header variant="h2" description="The files are created on this computer; nothing is sent anywhere.">
            Downloads
          </Header>
        }
      >
        <SpaceBetween size="m">
          {filtering && (
            <Checkbox checked={narrowed} onChange={({ detail }) => setNarrowed(detail.checked)}>
              Only what the filter of the documents shows
            </Checkbox>
          )}
          <DownloadButtons downloads={[...(facts.key.endsWith("/") ? [] : [whole]), ...documents, ...terms]} />
          <Box variant="small">
            Tables have one row for each finding, and one for each document without any. CSV and Excel are for people:
            they show the text around each finding, and count lines from 1. Parquet and JSON lines are for programs:
            lines are counted from 0, as Amazon Comprehend does. In the CSV a cell that a spreadsheet could take for a
            formula (it begins with =, +, -, @, a tab or a line break), or that begins with an apostrophe, gets another
            apostrophe in front. {texts.gap}
          </Box>
        </SpaceBetween>
      </Container>
      {summary.skipped > 0 && (
        <Alert type="warning">
          The archive has {formatNumber(summary.skipped)} links, folders or devices, which results do not contain. They
          were skipped.
        </Alert>
      )}
      {new Set(names).size < names.length && (
        <Alert type="warning">
          Several files of the archive have the same name. They are all shown here; unpacking the archive elsewhere may
          lose some.
        </Alert>
      )}
      <ResourceTable
        title="Files in the archive"
        noun="file"
        description={
          <>
            <RouterLink to={`/s3/${encodeURIComponent(facts.bucket)}`}>s3://{facts.bucket}</RouterLink>/{facts.key}
          </>
        }
        items={summary.members}
        keyOf={({ begin, name }) => `${begin} ${name}`}
        empty="No file of the archive could be read completely."
        columns={[
          { id: "name", header: "Name", value: ({ name }) => name, cell: ({ name }) => <bdi>{name}</bdi> },
          { id: "size", header: "Size", value: ({ size }) => size, cell: ({ size }) => formatBytes(size) },
        ]}
      />
    </SpaceBetween>
  );
}
