import type { Tag } from "../components/tags/tags";
import { ANY_DOCUMENTS, COLUMN_TAG, DOCUMENTS_TAG } from "../kinds/formats.generated";
import type { Reading } from "../s3/reading";
import type { Draft } from "./draft";

type Change = Partial<Draft>;

/** Whether a job with these tags reads documents of every format. */
export function readsDocuments(tags: readonly Tag[]): boolean {
  return tags.some(({ Key }) => Key === DOCUMENTS_TAG);
}

/** The changes that let a job read documents of every format. */
export function readingDocuments({ tags }: Draft): Change {
  const others = tags.filter(({ Key }) => Key !== DOCUMENTS_TAG);
  return { inputFormat: "ONE_DOC_PER_FILE", tags: [...others, { Key: DOCUMENTS_TAG, Value: ANY_DOCUMENTS }] };
}

/** The changes that let a job read only text. */
export function readingText({ tags }: Draft): Change {
  return { tags: tags.filter(({ Key }) => Key !== DOCUMENTS_TAG && Key !== COLUMN_TAG) };
}

/** The column of tables that is the text; empty for all of them. */
export function columnOf(tags: readonly Tag[]): string {
  return tags.find(({ Key }) => Key === COLUMN_TAG)?.Value ?? "";
}

/** The changes that set the column; an empty one removes it. */
export function withColumn({ tags }: Draft, column: string): Change {
  const others = tags.filter(({ Key }) => Key !== COLUMN_TAG);
  return { tags: column === "" ? others : [...others, { Key: COLUMN_TAG, Value: column }] };
}

/**
 * The changes once the files of a draft's input are known: documents are read if there are any. Undefined if that has
 * been decided for this input already.
 */
export function afterLooking(draft: Draft, reading: Reading): Change | undefined {
  if (draft.lookedAt === draft.input) return undefined;
  const decided = reading.documents && !readsDocuments(draft.tags) ? readingDocuments(draft) : {};
  return { ...decided, lookedAt: draft.input };
}
