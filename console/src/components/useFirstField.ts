import { type RefObject, useEffect, useRef } from "react";

const FIELDS = [
  "input:not([type=hidden]):not([type=file]):not(:disabled)",
  "textarea:not(:disabled)",
  "button[aria-haspopup]:not(:disabled)",
].join(", ");

/** Moves the focus to the first field of a dialog when it opens; without fields, the focus stays where it is. */
export function useFirstField(): RefObject<HTMLDivElement | null> {
  const content = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // The dialog first moves the focus to its close button, so wait for that.
    const timer = window.setTimeout(() => content.current?.querySelector<HTMLElement>(FIELDS)?.focus());
    return () => window.clearTimeout(timer);
  }, []);
  return content;
}
