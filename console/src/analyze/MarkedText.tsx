import "./marked.css";
import { useMemo } from "react";
import { type Mark, stretchesOf } from "./marks";

interface Props {
  readonly text: string;
  readonly marks: readonly Mark[];
  /** The accessible name of the text. */
  readonly name: string;
}

/** A text with the findings marked. */
export function MarkedText({ text, marks, name }: Props) {
  const stretches = useMemo(() => stretchesOf(text, marks), [text, marks]);
  return (
    // Long texts scroll, and a region that scrolls must be reachable by keyboard.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region needs the focus to be scrolled by keyboard
    <section className="marked-text-scroll" aria-label={name} tabIndex={0}>
      <p className="marked-text" dir="auto">
        {stretches.map(({ key, text: part, mark, last }) =>
          mark === undefined ? (
            <span key={key}>{part}</span>
          ) : (
            <mark key={key} className={`marked-text-mark type-colour-${mark.colour}`}>
              {part}
              {last && mark.label !== undefined && <bdi className="marked-text-label">{mark.label}</bdi>}
            </mark>
          ),
        )}
      </p>
    </section>
  );
}
