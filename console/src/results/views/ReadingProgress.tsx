import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import { counted, formatBytes, formatNumber } from "../../components/format";
import type { ArchiveState } from "./useArchive";

interface Props {
  readonly state: ArchiveState;
  readonly onStop: () => void;
}

/** How much of the archive has been read; stopping keeps that part. */
export function ReadingProgress({ state: { facts, readBytes, counts }, onStop }: Props) {
  const size = facts?.size ?? 0;
  const found = counts && `${counted(counts.records, "document")}, ${formatNumber(counts.findings)} findings so far`;
  return (
    <Container>
      <ProgressBar
        label="Reading the archive"
        description={size > 0 ? `${formatBytes(readBytes)} of ${formatBytes(size)}` : "Reading its size"}
        additionalInfo={found}
        value={size > 0 ? Math.floor((readBytes / size) * 100) : 0}
      />
      <Button onClick={onStop}>Stop and show what was read</Button>
    </Container>
  );
}
