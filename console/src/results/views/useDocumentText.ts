import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useS3 } from "../../api/s3";
import type { JobProperties } from "../../jobs/properties";
import { DocumentReader, type DocumentText, NoText } from "../document/documentText";
import { listInput } from "../document/inputFiles";
import type { PlacedRecord } from "../worker/messages";
import type { OpenArchive } from "./useArchive";

/** The text of a document: what the job extracted from it, or else the content of its object in the job's input. */
export function useDocumentText(
  job: JobProperties,
  archive: OpenArchive,
  record: PlacedRecord | undefined,
): { text: DocumentText | undefined; error: unknown; loading: boolean; again: () => void } {
  const s3 = useS3();
  const uri = job.InputDataConfig?.S3Uri;
  const files = useQuery({
    queryKey: ["s3", "ListObjectsV2", uri, archive.id],
    queryFn: ({ signal }) => listInput(s3, uri, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const ended = job.EndTime?.getTime();
  const reader = useMemo(
    () => files.data && new DocumentReader(s3, files.data, ended === undefined ? undefined : new Date(ended)),
    [s3, files.data, ended],
  );
  const readable = reader !== undefined && record !== undefined && record.file !== "(none)";
  const text = useQuery({
    queryKey: ["s3", "GetObject", "document", archive.id, record?.number],
    queryFn: async ({ signal }) => {
      if (reader === undefined || record === undefined) throw new NoText("No document is chosen.");
      const extracted = await archive.client.ask("extracted", { number: record.number });
      if (extracted !== undefined) return reader.extracted(record, record.run, extracted);
      return reader.read(record, record.run, signal);
    },
    enabled: readable,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 30_000,
    retry: false,
  });
  return {
    text: text.data,
    error: files.error ?? text.error,
    loading: files.isLoading || text.isLoading,
    again: () => void (files.error ? files.refetch() : text.refetch()),
  };
}
