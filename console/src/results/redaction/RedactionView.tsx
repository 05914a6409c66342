import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useState } from "react";
import { useS3 } from "../../api/s3";
import { counted, formatNumber } from "../../components/format";
import { type Column, ResourceTable } from "../../components/ResourceTable";
import { StorageLink } from "../../jobs/parts/ResourceLinks";
import { type JobProperties, outcomeWords } from "../../jobs/properties";
import { shownKey } from "../../s3/keys";
import { TransfersPanel } from "../../s3/transfer/TransfersPanel";
import { download } from "../../s3/transfer/transfer";
import { type ObjectFacts, parseS3Uri } from "../archive/source";
import {
  CHECK_FAILED,
  type ErrorRecord,
  type RedactedFile,
  type RedactionSummary,
  shownAs,
  summaryOf,
} from "./outcome";
import { RedactedDocument } from "./RedactedDocument";
import { useRedacted } from "./useRedacted";

/** The redacted copies that a job wrote: which there are, what the check said, and each of them to read. */
export function RedactionView({ job }: { readonly job: JobProperties }) {
  const files = useRedacted(parseS3Uri(job.OutputDataConfig?.S3Uri));
  const [shown, setShown] = useState<ObjectFacts>();
  const columns: readonly Column<RedactedFile>[] = [
    { id: "name", header: "File", value: ({ name }) => name, cell: ({ name }) => <bdi>{shownKey(name)}</bdi> },
    {
      id: "outcome",
      header: "Outcome",
      value: ({ error }) => error?.code ?? "Redacted",
      cell: (each) => <Outcome {...each} />,
    },
    {
      id: "replaced",
      header: "Replaced",
      value: ({ report }) => replacedWords(report?.replaced),
      cell: ({ report }) => replacedWords(report?.replaced),
    },
    {
      id: "text",
      header: "Text",
      cell: ({ text, error }) => <Actions object={text} error={error} onShow={setShown} />,
    },
    { id: "copy", header: "Copy", cell: ({ copy }) => <Actions object={copy} onShow={setShown} /> },
  ];
  return (
    <SpaceBetween size="l">
      {files.data !== undefined && <Summary job={job} summary={summaryOf(files.data)} />}
      <ResourceTable
        title="Redacted documents"
        noun="file"
        name="redacted"
        items={files.data}
        loading={files.isPending}
        error={files.error ?? undefined}
        onRefresh={() => void files.refetch()}
        columns={columns}
        keyOf={({ name }) => name}
        description={
          <>
            What the job wrote for each input file, in <StorageLink uri={job.OutputDataConfig?.S3Uri} />
          </>
        }
        empty="The job wrote no object, or they have been moved since."
      />
      {shown !== undefined && <RedactedDocument key={shown.key} object={shown} onClose={() => setShown(undefined)} />}
      <TransfersPanel />
    </SpaceBetween>
  );
}

function replacedWords(replaced: ReadonlyMap<string, number> | undefined): string {
  const types = [...(replaced ?? [])].sort(([, one], [, other]) => other - one);
  return types.map(([type, count]) => `${type} ${formatNumber(count)}`).join(", ") || "-";
}

function Outcome({ error, report }: RedactedFile) {
  if (error !== undefined) return <Failure error={error} type="error" />;
  return (
    <>
      <StatusIndicator type="success">Redacted</StatusIndicator>
      {report?.errors.map((each, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the errors of a file have no names, and keep their order.
        <Failure key={at} error={each} type="warning" />
      ))}
      {report?.copyErrors.map((each, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the same.
        <Failure key={at} error={each} type="warning" what="No copy" />
      ))}
    </>
  );
}

interface FailureProps {
  readonly error: ErrorRecord;
  readonly type: "error" | "warning";
  readonly what?: string;
}

function Failure({ error: { code, message }, type, what }: FailureProps) {
  return (
    <div>
      <StatusIndicator type={type}>{what ?? (code === CHECK_FAILED ? "Not written" : "Not read")}</StatusIndicator>{" "}
      {code}: <bdi>{message}</bdi>
    </div>
  );
}

interface ActionsProps {
  readonly object: ObjectFacts | undefined;
  readonly error?: ErrorRecord | undefined;
  readonly onShow: (object: ObjectFacts) => void;
}

/** Buttons to show and download an object. */
function Actions({ object, error, onShow }: ActionsProps) {
  const s3 = useS3();
  if (object === undefined || error !== undefined) return "-";
  const name = shownKey(object.key.slice(object.key.lastIndexOf("/") + 1));
  return (
    <SpaceBetween direction="horizontal" size="s">
      {shownAs(object.key) !== undefined && (
        <Button variant="inline-link" ariaLabel={`Show ${name}`} onClick={() => onShow(object)}>
          Show
        </Button>
      )}
      <Button
        variant="inline-link"
        ariaLabel={`Download ${name}`}
        onClick={() => download(s3, object.bucket, object.key, object.size)}
      >
        Download
      </Button>
    </SpaceBetween>
  );
}

interface SummaryProps {
  readonly job: JobProperties;
  readonly summary: RedactionSummary;
}

function Summary({ job, summary: { redacted, failed, unchecked } }: SummaryProps) {
  const { RedactionConfig: config } = job;
  const outcome = outcomeWords(job);
  const byLine = job.InputDataConfig?.InputFormat !== "ONE_DOC_PER_FILE";
  return (
    <Container header={<Header variant="h2">Summary</Header>}>
      <SpaceBetween size="m">
        <KeyValuePairs
          columns={4}
          items={[
            { label: "Files redacted", value: formatNumber(redacted) },
            { label: "Files with an error instead", value: formatNumber(failed) },
            { label: "Types", value: (config?.PiiEntityTypes ?? ["ALL"]).join(", ") },
            { label: "Replaced with", value: replacement(config) },
          ]}
        />
        {unchecked > 0 ? (
          <Alert type="warning" header={`${counted(unchecked, "document")} did not pass the check`} data-testid="check">
            The redacted text would still have had a string that was found, so nothing of it was written. To find the
            place, run a job for offsets.
          </Alert>
        ) : (
          <Box data-testid="check">
            {!byLine && <StatusIndicator type="success">The check passed.</StatusIndicator>}{" "}
            {byLine
              ? "Each line was checked. One whose redacted text still had a string that was found has an error instead."
              : "No redacted text has a string that was found in its document."}
          </Box>
        )}
        {outcome !== undefined && (
          <Box>
            <bdi>{outcome}</bdi>
          </Box>
        )}
      </SpaceBetween>
    </Container>
  );
}

function replacement(config: JobProperties["RedactionConfig"]): string {
  return config?.MaskMode === "REPLACE_WITH_PII_ENTITY_TYPE" ? "its type" : (config?.MaskCharacter ?? "*");
}
