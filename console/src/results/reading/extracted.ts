/** A box on a page: shares of the page's width and height, from its top left corner, as it is shown. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A line or a paragraph of a text, in code points, on a page that counts from 1. */
export interface Block {
  readonly page: number;
  readonly begin: number;
  readonly end: number;
  readonly box?: Box;
}

/** The text that a job extracted from a document; offsets of findings point into it. */
export interface ExtractedText {
  readonly file: string;
  readonly format: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  readonly pages?: number;
  /** The pages whose text was recognised in images. */
  readonly scanned: readonly number[];
  /** The pages that have no text because they are damaged. */
  readonly damaged: readonly number[];
  readonly encoding?: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** Parse a line of ``documents.jsonl``; undefined if it does not have the documented format. */
export function readExtracted(line: string): ExtractedText | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { File: file, Text: text, Format: format, Pages: pages, Encoding: encoding, Blocks: blocks } = value;
  if (typeof file !== "string" || typeof text !== "string") return undefined;
  return {
    file,
    text,
    format: typeof format === "string" ? format : "text",
    blocks: Array.isArray(blocks) ? blocks.flatMap(readBlock) : [],
    ...(isCount(pages) && { pages }),
    scanned: counts(value["ScannedPages"]),
    damaged: counts(value["DamagedPages"]),
    ...(typeof encoding === "string" && { encoding }),
  };
}

function readBlock(value: unknown): Block[] {
  if (!isObject(value)) return [];
  const { Page: page, BeginOffset: begin, EndOffset: end } = value;
  if (!isCount(page) || !isOffset(begin) || !isOffset(end) || end < begin) return [];
  const box = readBox(value["BoundingBox"]);
  return [{ page, begin, end, ...(box && { box }) }];
}

function readBox(value: unknown): Box | undefined {
  if (!isObject(value)) return undefined;
  const { Left: left, Top: top, Width: width, Height: height } = value;
  return isShare(left) && isShare(top) && isShare(width) && isShare(height) ? { left, top, width, height } : undefined;
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isShare(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= 1;
}

function isOffset(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isCount(value: unknown): value is number {
  return isOffset(value) && value > 0;
}

function counts(value: unknown): readonly number[] {
  return Array.isArray(value) ? value.filter(isCount) : [];
}
