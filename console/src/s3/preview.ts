export const PREVIEW_BYTES = 65_536;

export type Preview =
  | { readonly kind: "text"; readonly text: string; readonly whole: boolean }
  | { readonly kind: "binary" };

/** The beginning of an object as text, whatever it says that it is; other bytes are not shown. */
export function previewOf(bytes: Uint8Array, size: number): Preview {
  if (bytes.includes(0)) return { kind: "binary" };
  const whole = bytes.length >= size;
  try {
    // A character that the end of the part cuts is left out.
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: !whole });
    return { kind: "text", text, whole };
  } catch {
    return { kind: "binary" };
  }
}
