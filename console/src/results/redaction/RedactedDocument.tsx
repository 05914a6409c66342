import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useS3 } from "../../api/s3";
import { ErrorAlert } from "../../components/ErrorAlert";
import { formatBytes } from "../../components/format";
import { shownKey } from "../../s3/keys";
import { PREVIEW_BYTES, previewOf } from "../../s3/preview";
import { type ObjectFacts, readRange } from "../archive/source";
import { PagePicker } from "../pages/PagePicker";
import { PdfCanvas } from "../pages/PdfCanvas";
import { usePageSource } from "../pages/usePageSource";
import { shownAs } from "./outcome";
import "../pages/pages.css";
import "../views/results.css";

interface Props {
  readonly object: ObjectFacts;
  readonly onClose: () => void;
}

/** A redacted document, as text or as pages. */
export function RedactedDocument({ object, onClose }: Props) {
  return (
    <Container
      header={
        <Header variant="h2" actions={<Button onClick={onClose}>Close</Button>}>
          <bdi>{shownKey(nameOf(object))}</bdi>
        </Header>
      }
    >
      {shownAs(object.key) === "pdf" ? <RedactedPages object={object} /> : <RedactedText object={object} />}
    </Container>
  );
}

function RedactedText({ object }: { readonly object: ObjectFacts }) {
  const s3 = useS3();
  const end = Math.min(object.size, PREVIEW_BYTES);
  const { data, error, refetch } = useQuery({
    queryKey: ["s3", "GetObject", "redacted", object.bucket, object.key, object.etag],
    queryFn: async ({ signal }) =>
      previewOf(end === 0 ? new Uint8Array(0) : await readRange(s3, object, 0, end, signal), object.size),
    gcTime: 30_000,
  });
  if (error !== null)
    return <ErrorAlert what="The object cannot be read" error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Spinner />;
  if (data.kind === "binary") return <Alert type="info">The object is no text. Download it to open it.</Alert>;
  return (
    <SpaceBetween size="s">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard. */}
      <section className="document-text" dir="auto" tabIndex={0} aria-label="Redacted text" data-testid="redacted-text">
        {data.text}
      </section>
      {!data.whole && (
        <Box variant="small">These are the first {formatBytes(PREVIEW_BYTES)}. Download the object to read it all.</Box>
      )}
    </SpaceBetween>
  );
}

function RedactedPages({ object }: { readonly object: ObjectFacts }) {
  const { source, error, again } = usePageSource(object, "pdf");
  const [page, setPage] = useState(1);
  if (error != null) return <ErrorAlert what="The pages cannot be shown" error={error} onRetry={again} />;
  if (source === undefined) return <Spinner />;
  if (source.kind !== "pdf") {
    return <Alert type="info">{source.kind === "none" ? source.reason : "The object is no PDF. Download it."}</Alert>;
  }
  const { pages } = source.pdf;
  return (
    <SpaceBetween size="xs">
      <PagePicker pages={pages} page={page} onChange={setPage} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard. */}
      <section className="page-scroll" aria-label="Redacted page" tabIndex={0}>
        <div className="page-frame">
          <PdfCanvas pdf={source.pdf} page={page} label={`Page ${page} of ${pages} of ${shownKey(nameOf(object))}`} />
        </div>
      </section>
    </SpaceBetween>
  );
}

function nameOf({ key }: ObjectFacts): string {
  return key.slice(key.lastIndexOf("/") + 1);
}
