export const PREVIEW_BYTES = 65_536;

export type Preview =
  | { readonly kind: "text"; readonly text: string; readonly whole: boolean }
  | { readonly kind: "binary" };

/** The beginning of an object as text, whatever its declared type; other bytes are not shown. */
export function previewOf(bytes: Uint8Array, size: number): Preview {
  if (bytes.includes(0)) return { kind: "binary" };
  const whole = bytes.length >= size;
  try {
    // A character that is cut at the end of the part is left out.
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: !whole });
    return { kind: "text", text, whole };
  } catch {
    return { kind: "binary" };
  }
}
