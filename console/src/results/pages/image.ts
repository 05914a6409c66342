/** The type of an image that every browser shows; undefined for other content, whatever its name. */
export function imageType(bytes: Uint8Array): "image/png" | "image/jpeg" | undefined {
  const begins = (...head: readonly number[]): boolean => head.every((byte, at) => bytes[at] === byte);
  if (begins(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return "image/png";
  return begins(0xff, 0xd8, 0xff) ? "image/jpeg" : undefined;
}
