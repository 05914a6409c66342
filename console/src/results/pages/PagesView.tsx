import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useEffect, useMemo, useState } from "react";
import { ErrorAlert } from "../../components/ErrorAlert";
import { counted } from "../../components/format";
import type { InputFile } from "../document/inputFiles";
import type { Placed } from "../document/segments";
import type { ExtractedText } from "../reading/extracted";
import type { Finding } from "../reading/records";
import { fontMeasure, type Mark, marksOf } from "./marks";
import { PagePicker } from "./PagePicker";
import { PdfCanvas } from "./PdfCanvas";
import { usePageSource } from "./usePageSource";
import "./pages.css";

interface Props {
  readonly file: InputFile;
  readonly extracted: ExtractedText;
  readonly placed: readonly Placed[];
  readonly colour: (finding: Finding) => number;
  /** A short word for a mark, for those who do not see its colour. */
  readonly tag: (finding: Finding) => string;
  /** The numbers of the highlighted findings. */
  readonly chosen: ReadonlySet<number>;
  readonly label: string;
}

const NONE: readonly Mark[] = [];

/** A document's pages as they look, with the findings marked. */
export function PagesView({ file, extracted, placed, colour, tag, chosen, label }: Props) {
  const [page, setPage] = useState(1);
  const { source, error, again } = usePageSource(file, extracted.format);
  const marks = useMemo(() => marksOf(extracted, placed, fontMeasure()), [extracted, placed]);
  const target = useMemo(() => pageOfChosen(marks, chosen), [marks, chosen]);
  useEffect(() => {
    if (target !== undefined) setPage(target);
  }, [target]);
  if (error != null) return <ErrorAlert what="The pages cannot be shown" error={error} onRetry={again} />;
  if (source === undefined) {
    return (
      <Box>
        <Spinner /> Reading the document
      </Box>
    );
  }
  if (source.kind === "none") return <Alert type="info">{source.reason}</Alert>;
  const pages = source.kind === "pdf" ? source.pdf.pages : 1;
  const shown = Math.min(page, pages);
  const onPage = marks.get(shown) ?? NONE;
  const found = new Set(onPage.map((mark) => mark.placed.number)).size;
  const description = `Page ${shown} of ${pages} of ${label}: ${counted(found, "finding")}`;
  return (
    <SpaceBetween size="xs">
      {extracted.pages !== undefined && extracted.pages !== pages && (
        <Alert type="warning" header="The document has changed since the job read it">
          It had {counted(extracted.pages, "page")} then, and has {pages} now. The marks may be in wrong places.
        </Alert>
      )}
      <PagePicker pages={pages} page={shown} onChange={setPage} />
      <Box variant="small" data-testid="page-notes">
        {counted(found, "finding")} on page {shown} of {pages}
        {extracted.scanned.includes(shown) && ", whose text was recognised in an image"}
        {extracted.damaged.includes(shown) && ", which is damaged and has no text"}
      </Box>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard. */}
      <section className="page-scroll" aria-label={description} tabIndex={0}>
        <div className="page-frame" data-testid="page">
          {source.kind === "pdf" ? (
            <PdfCanvas pdf={source.pdf} page={shown} label={description} />
          ) : (
            <img className="page-picture" src={source.url} alt={description} />
          )}
          <div aria-hidden="true">
            {onPage.map((mark, at) => (
              <PageMark
                // biome-ignore lint/suspicious/noArrayIndexKey: the marks of a page have no other name, and keep their order.
                key={at}
                mark={mark}
                colour={colour(mark.placed.finding)}
                tag={tag(mark.placed.finding)}
                chosen={chosen.has(mark.placed.number)}
              />
            ))}
          </div>
        </div>
      </section>
    </SpaceBetween>
  );
}

interface MarkProps {
  readonly mark: Mark;
  readonly colour: number;
  readonly tag: string;
  readonly chosen: boolean;
}

function PageMark({ mark: { box }, colour, tag, chosen }: MarkProps) {
  const share = (value: number): string => `${(value * 100).toFixed(3)}%`;
  return (
    <div
      className={`page-mark type-colour-${colour}${chosen ? " page-mark-chosen" : ""}`}
      style={{ left: share(box.left), top: share(box.top), width: share(box.width), height: share(box.height) }}
      data-testid="page-mark"
    >
      <div className="page-mark-fill" />
      {tag !== "" && <span className="page-mark-tag">{tag}</span>}
    </div>
  );
}

/** The first page on which a highlighted finding is marked. */
function pageOfChosen(marks: ReadonlyMap<number, readonly Mark[]>, chosen: ReadonlySet<number>): number | undefined {
  const pages = [...marks].filter(([, all]) => all.some(({ placed }) => chosen.has(placed.number)));
  return pages.length === 0 ? undefined : Math.min(...pages.map(([page]) => page));
}
