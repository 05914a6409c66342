import "./marked.css";
import { useMemo } from "react";
import { type Mark, stretchesOf } from "./marks";

interface Props {
  readonly text: string;
  readonly marks: readonly Mark[];
  /** How the text is called for who hears it. */
  readonly name: string;
}

/** A text with what was found in it. */
export function MarkedText({ text, marks, name }: Props) {
  const stretches = useMemo(() => stretchesOf(text, marks), [text, marks]);
  return (
    // Long texts scroll, and what scrolls must be reachable by keyboard.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls takes the focus to be scrolled
    <section className="marked-text-scroll" aria-label={name} tabIndex={0}>
      <p className="marked-text" dir="auto">
        {stretches.map(({ key, text: part, mark, last }) =>
          mark === undefined ? (
            <span key={key}>{part}</span>
          ) : (
            <mark key={key} className={`marked-text-mark marked-text-${mark.colour}`}>
              {part}
              {last && mark.label !== undefined && <bdi className="marked-text-label">{mark.label}</bdi>}
            </mark>
          ),
        )}
      </p>
    </section>
  );
}
