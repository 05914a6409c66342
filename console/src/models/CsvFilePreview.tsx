import { GetObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import Table from "@cloudscape-design/components/table";
import { useQuery } from "@tanstack/react-query";
import { useS3 } from "../api/s3";
import { ErrorAlert } from "../components/ErrorAlert";
import { parseS3Uri } from "../create/parts/s3Uri";
import { csvProblem, previewCsv } from "./csvPreview";

interface Props {
  /** The location of the file; the preview shows the first object below it. */
  readonly uri: string;
  /** The names of the columns: "Label", "Text". Without them, the first row has the names. */
  readonly columns?: readonly string[];
}

const PART = 16_384;
const LONGEST = 200;

/** The first rows of a training file in columns, with a warning if they are not separated correctly. */
export function CsvFilePreview({ uri, columns }: Props) {
  const s3 = useS3();
  const place = parseS3Uri(uri);
  const preview = useQuery({
    queryKey: ["s3", "preview", uri],
    enabled: place !== undefined,
    retry: false,
    queryFn: async ({ signal }) => {
      const Bucket = place?.bucket ?? "";
      const listed = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: place?.key, MaxKeys: 1 }), {
        abortSignal: signal,
      });
      const [first] = listed.Contents ?? [];
      if (first?.Key === undefined || (first.Size ?? 0) === 0) return null;
      const answer = await s3.send(new GetObjectCommand({ Bucket, Key: first.Key, Range: `bytes=0-${PART - 1}` }), {
        abortSignal: signal,
      });
      const bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array(0);
      return previewCsv(new TextDecoder().decode(bytes), bytes.length >= (first.Size ?? 0));
    },
  });
  if (place === undefined) return null;
  if (preview.error !== null) return <ErrorAlert what="The file cannot be previewed" error={preview.error} />;
  if (preview.isPending) return <StatusIndicator type="loading">Reading the first rows</StatusIndicator>;
  if (preview.data === null)
    return <Box color="text-body-secondary">There is no file with content at this location yet.</Box>;
  const { rows, columns: count } = preview.data;
  const problem = csvProblem(preview.data);
  const names = columns ?? rows[0] ?? [];
  const shown = columns === undefined ? rows.slice(1) : rows;
  return (
    <Box margin={{ top: "s" }}>
      {problem !== undefined && (
        <Alert type="warning" header="Is this file correct?">
          {problem}
        </Alert>
      )}
      <Table
        variant="embedded"
        wrapLines
        items={shown.map((cells, number) => ({ cells, number }))}
        header={<Box variant="awsui-key-label">The first rows of the file</Box>}
        ariaLabels={{ tableLabel: "The first rows of the file" }}
        columnDefinitions={Array.from({ length: Math.max(count, 1) }, (_, at) => ({
          id: String(at),
          header: names[at] ?? `Column ${at + 1}`,
          cell: ({ cells }: { cells: readonly string[] }) => <bdi>{(cells[at] ?? "").slice(0, LONGEST)}</bdi>,
        }))}
        empty="No rows."
      />
    </Box>
  );
}
