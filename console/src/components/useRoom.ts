import { type RefObject, useEffect, useRef, useState } from "react";

/** In steps: a scroll bar that comes and goes changes nothing. */
const STEP = 48;

/** The width that an element has for its content, in steps; undefined until it is known. */
export function useRoom(): { readonly ref: RefObject<HTMLDivElement | null>; readonly room: number | undefined } {
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
