import type { ResultKind } from "../../kinds/rows.generated";
import type { Comparison } from "../compare/compare";
import type { DownloadRequest } from "../downloads/build";
import type { ExtractedText } from "../reading/extracted";
import type { ResultFilter } from "../reading/filter";
import type { ResultRecord } from "../reading/records";
import type { ResultSummary } from "../reading/resultReader";

/** A record with what the page needs to show it. */
export interface PlacedRecord extends ResultRecord {
  readonly number: number;
  /** Which of the files of this name it belongs to, in the order of keys, from 0. */
  readonly run: number;
  /** The beginning of the document's text, if it has been read. */
  readonly excerpt?: string;
}

/** The requests that the page may send to the worker, and their answers. */
export interface Questions {
  open: { readonly ask: { kind: ResultKind; byLine: boolean }; readonly answer: undefined };
  push: { readonly ask: { bytes: Uint8Array }; readonly answer: Counts };
  /** Begin a file that is an object of its own, and take all its bytes. */
  file: { readonly ask: { name: string; bytes: Uint8Array }; readonly answer: Counts };
  /** An object of the job's input, in the order of keys. */
  text: { readonly ask: { key: string; bytes: Uint8Array }; readonly answer: undefined };
  finish: { readonly ask: Record<never, never>; readonly answer: undefined };
  summary: { readonly ask: Record<never, never>; readonly answer: ResultSummary };
  select: { readonly ask: { filter: ResultFilter }; readonly answer: Uint32Array | undefined };
  rows: { readonly ask: { numbers: readonly number[] }; readonly answer: readonly PlacedRecord[] };
  record: { readonly ask: { number: number }; readonly answer: PlacedRecord };
  /** The text that the job extracted from a record's document, if it is not the file's own. */
  extracted: { readonly ask: { number: number }; readonly answer: ExtractedText | undefined };
  /** The result, reduced to what a comparison with another one needs. */
  portable: { readonly ask: Record<never, never>; readonly answer: Uint8Array };
  /** The comparison of another result, which is the first, with this one. ``partial``: one was not read to its end. */
  compare: { readonly ask: { portable: Uint8Array; partial: boolean }; readonly answer: Comparison };
  download: { readonly ask: DownloadRequest; readonly answer: Blob | undefined };
}

export interface Counts {
  readonly records: number;
  readonly findings: number;
  readonly textBytes: number;
}

export type Question = keyof Questions;

export type ToWorker =
  | { [Name in Question]: { readonly id: number; readonly name: Name; readonly ask: Questions[Name]["ask"] } }[Question]
  | { readonly name: "cancel"; readonly id: number };

export interface WorkerFault {
  readonly name: string;
  readonly message: string;
}

export type FromWorker =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly fault: WorkerFault }
  | { readonly id: number; readonly progress: number };
