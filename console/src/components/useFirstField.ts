import { type RefObject, useEffect, useRef } from "react";

const FIELDS = [
  "input:not([type=hidden]):not([type=file]):not(:disabled)",
  "textarea:not(:disabled)",
  "button[aria-haspopup]:not(:disabled)",
].join(", ");

/** Puts the focus on the first field of a dialog when it opens; one without fields keeps it where it is. */
export function useFirstField(): RefObject<HTMLDivElement | null> {
  const content = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // The dialog itself takes the focus first, to its close button: after that it goes on.
    const timer = window.setTimeout(() => content.current?.querySelector<HTMLElement>(FIELDS)?.focus());
    return () => window.clearTimeout(timer);
  }, []);
  return content;
}
