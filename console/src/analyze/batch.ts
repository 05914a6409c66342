import { counted, formatNumber } from "../components/format";
import { type Answer, type BatchAnswer, summaryOf } from "./findings";
import { BATCH_TEXT_BYTES, BATCH_TEXTS } from "./kinds";
import { utf8Bytes } from "./text";

/** A text of a batch with its answer, or with its own error. */
export interface BatchRow {
  readonly index: number;
  readonly text: string;
  readonly answer: Answer | undefined;
  readonly summary: string;
  readonly error: { readonly code: string; readonly message: string } | undefined;
}

/** Return how many texts there are, and why they cannot be one batch, if so. */
export function checkBatch(lines: readonly string[]): { readonly count: string; readonly problem?: string } {
  const count = `${counted(lines.length, "text")} of ${BATCH_TEXTS}.`;
  if (lines.length > BATCH_TEXTS) {
    return { count, problem: `A batch has at most ${BATCH_TEXTS} texts. Remove some, or start an analysis job.` };
  }
  const long = lines.findIndex((line) => utf8Bytes(line) > BATCH_TEXT_BYTES);
  if (long >= 0) {
    const bytes = formatNumber(utf8Bytes(lines[long] ?? ""));
    const most = formatNumber(BATCH_TEXT_BYTES);
    return {
      count,
      problem: `Text ${long + 1} has ${bytes} bytes of UTF-8, but a text of a batch has at most ${most}.`,
    };
  }
  return { count };
}

/** Match the answers and errors of a batch, which the API returns in two lists, with their texts. */
export function rowsOf(texts: readonly string[], answer: BatchAnswer): BatchRow[] {
  const answers = new Map((answer.ResultList ?? []).map((each) => [each.Index, each]));
  const errors = new Map((answer.ErrorList ?? []).map((each) => [each.Index, each]));
  return texts.map((text, index) => {
    const found = answers.get(index);
    const failed = errors.get(index);
    return {
      index,
      text,
      answer: found,
      summary: found === undefined ? "" : summaryOf(found),
      error: failed && { code: failed.ErrorCode ?? "Error", message: failed.ErrorMessage ?? "" },
    };
  });
}
