const BOM = [0xef, 0xbb, 0xbf];

/** Decode a document as jobs do: a byte order mark at the start of a file is not text. Undefined if it is not UTF-8. */
export function decodeDocument(bytes: Uint8Array, atStart: boolean): string | undefined {
  const marked = atStart && BOM.every((byte, at) => bytes[at] === byte);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(marked ? bytes.subarray(3) : bytes);
  } catch {
    return undefined;
  }
}
