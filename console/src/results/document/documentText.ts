import type { S3Client } from "@aws-sdk/client-s3";
import { readRange } from "../archive/source";
import type { ExtractedText } from "../reading/extracted";
import type { ResultRecord } from "../reading/records";
import { decodeDocument } from "./decode";
import { candidates, type InputFile, type InputFiles, sourceOf } from "./inputFiles";
import { LineScanner } from "./lineScanner";
import { type Placement, place } from "./segments";

/** The most bytes of one document that are shown. */
const MOST = 12_000_000;

export interface DocumentText {
  /** The object of the input; undefined if it does not exist any more. */
  readonly file: InputFile | undefined;
  readonly text: string;
  readonly placement: Placement;
  /** Whether the object was written again after the job ended. */
  readonly newer: boolean;
  /** How many objects of the input have this file name; the right one was found by its content. */
  readonly alike: number;
  /** Where the text comes from, if it is not the object's own content. */
  readonly extracted?: ExtractedText;
  /** Whether the document is only a part of the object, such as an attachment. */
  readonly part?: boolean;
}

/** A document's text cannot be shown. The message says why, and what to do. */
export class NoText extends Error {
  override readonly name = "NoText";
}

/** Reads documents of a job's input to show them: by file, or by line of a file. */
export class DocumentReader {
  readonly #s3: S3Client;
  readonly #files: InputFiles;
  readonly #ended: Date | undefined;
  readonly #scanners = new Map<string, LineScanner>();

  constructor(s3: S3Client, files: InputFiles, ended: Date | undefined) {
    this.#s3 = s3;
    this.#files = files;
    this.#ended = ended;
  }

  /** A document whose text the job extracted: from a PDF, an e-mail and so on. */
  extracted(record: ResultRecord, run: number, extracted: ExtractedText): DocumentText {
    const source = sourceOf(this.#files, record.file, run);
    return {
      file: source?.file,
      text: extracted.text,
      placement: place(extracted.text, record.findings),
      newer: isLater(source?.file.modified, this.#ended),
      alike: 1,
      extracted,
      part: source?.part ?? false,
    };
  }

  async read(record: ResultRecord, run: number, signal?: AbortSignal): Promise<DocumentText> {
    const found = candidates(this.#files, record.file, run);
    if (found.length === 0) {
      throw new NoText("No object of the job's input has this name any more. Restore it, or copy the job as new.");
    }
    let best: DocumentText | undefined;
    for (const file of found) {
      const text = await this.#textOf(file, record.line, signal);
      if (text === undefined) continue;
      const placement = place(text, record.findings);
      const newer = isLater(file.modified, this.#ended);
      const read = { file, text, placement, newer, alike: found.length };
      if (placement.misplaced.length === 0) return read;
      if (best === undefined || placement.misplaced.length < best.placement.misplaced.length) best = read;
    }
    if (best !== undefined) return best;
    throw new NoText("The file does not have this line any more, or it is not text in UTF-8.");
  }

  async #textOf(file: InputFile, line: number | undefined, signal?: AbortSignal): Promise<string | undefined> {
    let begin = 0;
    let end = file.size;
    if (line !== undefined) {
      const found = await this.#scannerOf(file).find(line);
      if (signal?.aborted) throw new DOMException("Another document was chosen.", "AbortError");
      if (found === undefined) return undefined;
      begin = found.begin;
      end = found.end;
    }
    if (end - begin > MOST) {
      throw new NoText(`The document has ${(end - begin).toLocaleString("en")} bytes, too many to show. Download it.`);
    }
    if (end === begin) return "";
    return decodeDocument(await readRange(this.#s3, file, begin, end, signal), begin === 0);
  }

  #scannerOf(file: InputFile): LineScanner {
    const known = this.#scanners.get(file.key);
    if (known !== undefined) return known;
    const made = new LineScanner(file.size, (begin, end) => readRange(this.#s3, file, begin, end));
    this.#scanners.set(file.key, made);
    return made;
  }
}

function isLater(one: Date | undefined, other: Date | undefined): boolean {
  return one !== undefined && other !== undefined && one.getTime() > other.getTime();
}
