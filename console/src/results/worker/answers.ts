import { compare } from "../compare/compare";
import { COMPARE_LIMITS } from "../compare/limits";
import { decode, encode, type Portable, portableOf } from "../compare/portable";
import { excerptOf } from "../downloads/beside";
import { buildDownload } from "../downloads/build";
import { ResultReader } from "../reading/resultReader";
import type { Counts, PlacedRecord, ToWorker } from "./messages";

type Asked = Exclude<ToWorker, { name: "cancel" }>;

/** Answers the page's requests about one archive, one after the other. */
export class Answers {
  #reader: ResultReader | undefined;

  /** ``onProgress`` gets the share that is done, and returns whether to continue. */
  async answer(question: Asked, onProgress: (share: number) => boolean): Promise<unknown> {
    if (question.name === "open") {
      this.#reader = new ResultReader(question.ask.kind, question.ask.byLine);
      return undefined;
    }
    const reader = this.#reader;
    if (reader === undefined) throw new Error("no archive was opened");
    switch (question.name) {
      case "push":
        reader.push(question.ask.bytes);
        return countsOf(reader);
      case "file": {
        const { name, bytes } = question.ask;
        reader.beginFile({ name, size: bytes.length });
        reader.pushFile(bytes);
        return countsOf(reader);
      }
      case "text":
        reader.texts.add(question.ask.key, question.ask.bytes);
        return undefined;
      case "finish":
        return reader.finish();
      case "summary":
        return reader.summary();
      case "select": {
        let stopped = false;
        const chosen = await reader.select(question.ask.filter, (share) => {
          stopped = !onProgress(share);
          return !stopped;
        });
        return stopped ? undefined : chosen;
      }
      case "rows":
        return rows(reader, question.ask.numbers);
      case "record":
        return record(reader, question.ask.number);
      case "extracted":
        return reader.extracted(question.ask.number);
      case "portable":
        return encode(await portableOf(reader, COMPARE_LIMITS, onProgress));
      case "compare": {
        const { portable, partial } = question.ask;
        const one = decode(portable);
        const other = await portableOf(reader, COMPARE_LIMITS, onProgress);
        const cut = (part: Portable): Portable => ({ ...part, cut: partial || part.cut });
        return compare(cut(one), cut(other), COMPARE_LIMITS);
      }
      case "download":
        return buildDownload(reader, question.ask, onProgress);
    }
  }
}

const ROW_FINDINGS = 12;
/** The characters of a document that a row shows. */
const EXCERPT = 160;

/** Records for rows of a list, with only the first findings, which a row shows. */
async function rows(reader: ResultReader, numbers: readonly number[]): Promise<PlacedRecord[]> {
  const records = await reader.records(numbers);
  const placed: PlacedRecord[] = [];
  for (const [at, each] of records.entries()) {
    const number = numbers[at] as number;
    const text = await reader.texts.textOf(reader.index, number);
    const findings = each.findings.slice(0, ROW_FINDINGS);
    placed.push({ ...each, findings, number, run: 0, ...(text && { excerpt: excerptOf(text, EXCERPT) }) });
  }
  return placed;
}

async function record(reader: ResultReader, number: number): Promise<PlacedRecord> {
  return { ...(await reader.record(number)), number, run: reader.index.runOf(number) };
}

function countsOf(reader: ResultReader): Counts {
  const { index, store } = reader;
  return { records: index.length, findings: index.types.length, textBytes: store.length };
}
