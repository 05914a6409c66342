import Pagination from "@cloudscape-design/components/pagination";
import { useEffect, useMemo, useRef, useState } from "react";
import { type Placed, pageEnds, type Segment, segments } from "../document/segments";
import type { Finding } from "../reading/records";
import "./results.css";

interface Props {
  readonly text: string;
  readonly placed: readonly Placed[];
  readonly colour: (finding: Finding) => number;
  /** A short word for a mark, for those who do not see its colour. */
  readonly tag: (finding: Finding) => string;
  /** The numbers of the highlighted findings. */
  readonly chosen: ReadonlySet<number>;
  readonly label: string;
}

const PAGE_LENGTH = 20_000;

/** A document's text with the findings marked; a long text has pages. */
export function HighlightedText({ text, placed, colour, tag, chosen, label }: Props) {
  const [page, setPage] = useState(0);
  const chosenMark = useRef<HTMLElement>(null);
  const ends = useMemo(() => pageEnds(text, placed, PAGE_LENGTH), [text, placed]);
  const first = placed.find(({ number }) => chosen.has(number));
  const target = first && ends.findIndex((end) => first.from < end);
  useEffect(() => {
    if (target !== undefined && target >= 0) setPage(target);
  }, [target]);
  const shown = Math.min(page, ends.length - 1);
  const from = shown === 0 ? 0 : (ends[shown - 1] as number);
  const until = ends[shown] as number;
  const made = useMemo(() => segments(placed, from, until), [placed, from, until]);
  useEffect(() => {
    if (first !== undefined && first.from >= from && first.from < until) {
      chosenMark.current?.scrollIntoView({ block: "nearest" });
    }
  }, [first, from, until]);
  return (
    <div>
      {ends.length > 1 && (
        <Pagination
          currentPageIndex={shown + 1}
          pagesCount={ends.length}
          onChange={({ detail }) => setPage(detail.currentPageIndex - 1)}
          ariaLabels={{
            nextPageLabel: "Next page of the text",
            previousPageLabel: "Previous page of the text",
            pageLabel: (number) => `Page ${number} of the text`,
          }}
        />
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard. */}
      <section className="document-text" dir="auto" tabIndex={0} aria-label={label} data-testid="document-text">
        {made.map((segment) => (
          <Stretch
            key={segment.from}
            text={text.slice(segment.from, segment.until)}
            segment={segment}
            colour={colour}
            tag={tag}
            chosen={chosen}
            markRef={first !== undefined && segment.over.includes(first) ? chosenMark : undefined}
          />
        ))}
      </section>
    </div>
  );
}

interface StretchProps extends Pick<Props, "colour" | "tag" | "chosen" | "text"> {
  readonly segment: Segment;
  readonly markRef: React.Ref<HTMLElement> | undefined;
}

function Stretch({ text, segment: { over, until }, colour, tag, chosen, markRef }: StretchProps) {
  const [innermost] = over;
  if (innermost === undefined) return text;
  const isChosen = over.some(({ number }) => chosen.has(number));
  // The tag is shown once, at the end of the finding.
  const ending = over.filter((each) => each.until === until);
  const className = `finding type-colour-${colour(innermost.finding)}${isChosen ? " finding-chosen" : ""}`;
  return (
    <mark className={className} ref={markRef}>
      {text}
      {ending.map((each) => {
        const label = tag(each.finding);
        return (
          label !== "" && (
            <span key={each.number} className="finding-tag" dir="ltr">
              {label}
            </span>
          )
        );
      })}
    </mark>
  );
}
