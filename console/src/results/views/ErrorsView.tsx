import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ErrorAlert } from "../../components/ErrorAlert";
import { counted, formatNumber } from "../../components/format";
import { ResourceTable } from "../../components/ResourceTable";
import { DistributionChart } from "../parts/DistributionChart";
import { NO_FILTER } from "../reading/filter";
import { UNREADABLE } from "../reading/records";
import { placeOf } from "./labels";
import type { OpenArchive } from "./useArchive";

const MOST = 5_000;

const ADVICE: Readonly<Record<string, string>> = {
  DOCUMENT_SIZE_EXCEEDED: "Divide the document into smaller ones, such as one paragraph per line.",
  INVALID_DOCUMENT: "The message says what is wrong with the file, such as damage or a password.",
  PAGE_LIMIT_EXCEEDED: "Divide the document into smaller ones.",
  UNSUPPORTED_DOC_TYPE: "Convert the file to a format that is read; the message says to which.",
  UNSUPPORTED_ENCODING: "Save the file as text in UTF-8.",
  REDACTION_INCOMPLETE: "Find the places with a job for offsets: the redacted copy would still have had one.",
  EMPTY_DOCUMENT: "Remove empty lines and files, or ignore the error.",
  [UNREADABLE]: "The result itself is damaged: run the job again.",
};

/** The documents that have an error instead of a result. */
export function ErrorsView({ archive, texts }: { readonly archive: OpenArchive; readonly texts: number }) {
  const [code, setCode] = useState<string>();
  const errors = useQuery({
    queryKey: ["results", "errors", archive.id, texts, code],
    queryFn: async () => {
      const filter = { ...NO_FILTER, documents: "errors" as const, search: code ?? "" };
      const numbers = await archive.client.ask("select", { filter });
      return archive.client.ask("rows", { numbers: [...(numbers ?? []).slice(0, MOST)] });
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 30_000,
  });
  const { errorCodes, errors: total } = archive.summary;
  if (errors.error) return <ErrorAlert what="The errors cannot be read" error={errors.error} />;
  if (total === 0) {
    return (
      <Box textAlign="center" padding="l">
        <b>No document has an error.</b> A document that cannot be analyzed is listed here with the reason; the others
        still have their results.
      </Box>
    );
  }
  return (
    <SpaceBetween size="l">
      <DistributionChart
        title="Errors by code"
        labelHeader="Code"
        countHeader="Documents"
        rows={errorCodes.map(({ code: id, count }) => ({ id, label: id, count }))}
        onSelect={(chosen) => setCode(chosen === code ? undefined : chosen)}
        selectLabel={(label) => `List the documents with ${label}`}
      />
      {total > MOST && (
        <Alert type="info">
          The first {formatNumber(MOST)} are listed here. The CSV under "Files and downloads" has all{" "}
          {counted(total, "error")}.
        </Alert>
      )}
      <ResourceTable
        title={code === undefined ? "Documents with an error" : `Documents with ${code}`}
        noun="error"
        items={errors.data}
        loading={errors.isLoading}
        keyOf={({ number }) => String(number)}
        empty="No document has this error."
        columns={[
          { id: "place", header: "Document", value: placeOf, cell: (row) => <bdi>{placeOf(row)}</bdi> },
          {
            id: "code",
            header: "Code",
            value: (row) => row.error?.code ?? "",
            cell: (row) => <bdi>{row.error?.code}</bdi>,
          },
          {
            id: "message",
            header: "Message",
            value: (row) => row.error?.message ?? "",
            cell: (row) => <bdi>{row.error?.message}</bdi>,
          },
          {
            id: "text",
            header: "Begins with",
            value: (row) => row.excerpt ?? "",
            cell: (row) => <bdi>{row.excerpt ?? "-"}</bdi>,
          },
          { id: "advice", header: "What to do", cell: (row) => ADVICE[row.error?.code ?? ""] ?? "-" },
        ]}
      />
    </SpaceBetween>
  );
}
