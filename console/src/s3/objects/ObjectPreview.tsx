import { GetObjectCommand } from "@aws-sdk/client-s3";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useS3 } from "../../api/s3";
import { ErrorAlert } from "../../components/ErrorAlert";
import { formatBytes } from "../../components/format";
import { PREVIEW_BYTES, previewOf } from "../preview";
import "./preview.css";

interface Props {
  readonly bucket: string;
  readonly objectKey: string;
  readonly size: number;
  readonly etag: string | undefined;
}

/** The beginning of an object, always as text, whatever its declared type: HTML and SVG are shown as source. */
export function ObjectPreview({ bucket, objectKey: Key, size, etag }: Props) {
  const s3 = useS3();
  const [requested, setRequested] = useState(false);
  const preview = useQuery({
    queryKey: ["s3", "GetObject", bucket, Key, etag],
    enabled: requested && size > 0,
    queryFn: async ({ signal }) => {
      const answer = await s3.send(
        new GetObjectCommand({ Bucket: bucket, Key, Range: `bytes=0-${PREVIEW_BYTES - 1}`, IfMatch: etag }),
        { abortSignal: signal },
      );
      if (answer.Body === undefined) throw new Error("the object came without a body");
      return previewOf(await answer.Body.transformToByteArray(), size);
    },
  });
  return (
    <Container
      header={
        <Header
          variant="h2"
          description={`At most the first ${formatBytes(PREVIEW_BYTES)}, as plain text.`}
          actions={
            <Button disabled={requested || size === 0} loading={preview.isFetching} onClick={() => setRequested(true)}>
              Show preview
            </Button>
          }
        >
          Preview
        </Header>
      }
    >
      {size === 0 && <Box>The object is empty.</Box>}
      {preview.error && (
        <ErrorAlert what="The preview cannot be read" error={preview.error} onRetry={() => void preview.refetch()} />
      )}
      {preview.data?.kind === "binary" && <Box>The object is not UTF-8 text. Download it to open it.</Box>}
      {preview.data?.kind === "text" && (
        <>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard. */}
          <section className="object-preview mono" dir="auto" aria-label="Preview of the object" tabIndex={0}>
            {preview.data.text}
          </section>
          {!preview.data.whole && (
            <Box color="text-body-secondary">The object is longer than this. Download it to read it all.</Box>
          )}
        </>
      )}
    </Container>
  );
}
