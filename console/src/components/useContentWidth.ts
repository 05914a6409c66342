import { type RefObject, useEffect, useRef, useState } from "react";

/** Widths are multiples of this step, so that a scroll bar changes nothing. */
const STEP = 48;

/** The width of an element's content box, in steps; undefined until it is known. */
export function useContentWidth(): {
  readonly ref: RefObject<HTMLDivElement | null>;
  readonly room: number | undefined;
} {
  const ref = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState<number>();
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const look = (): void => {
      const width = Math.floor(element.clientWidth / STEP) * STEP;
      if (width > 0) setRoom(width);
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return { ref, room };
}
