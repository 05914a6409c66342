import { useEffect, useRef, useState } from "react";
import { ErrorAlert } from "../../components/ErrorAlert";
import type { Pdf } from "./pdf";

interface Props {
  readonly pdf: Pdf;
  /** The number of the page, from 1. */
  readonly page: number;
  readonly label: string;
}

/** A page is drawn at least this wide, in pixels, so that it can be read when the browser enlarges it. */
const LEAST_WIDTH = 900;

/** A page of a PDF, drawn as wide as the space that it has. */
export function PdfCanvas({ pdf, page, label }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [drawn, setDrawn] = useState<number>();
  const [error, setError] = useState<unknown>();
  const [attempt, setAttempt] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt draws again.
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return;
    const controller = new AbortController();
    setError(undefined);
    setDrawn(undefined);
    const width = Math.max(LEAST_WIDTH, element.clientWidth * window.devicePixelRatio);
    pdf.draw(page, element, width, controller.signal).then(
      () => {
        if (!controller.signal.aborted) setDrawn(page);
      },
      (thrown: unknown) => {
        if (!controller.signal.aborted) setError(thrown);
      },
    );
    return () => controller.abort();
  }, [pdf, page, attempt]);
  return (
    <>
      {/* Another page gets another canvas: one cannot be drawn twice at the same time. */}
      <canvas
        key={`${page} ${attempt}`}
        ref={canvas}
        className="page-picture"
        role="img"
        aria-label={label}
        aria-busy={drawn !== page}
      />
      {error !== undefined && (
        <ErrorAlert what="The page cannot be drawn" error={error} onRetry={() => setAttempt((count) => count + 1)} />
      )}
    </>
  );
}
