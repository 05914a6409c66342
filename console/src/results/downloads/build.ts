import type { ResultFilter } from "../reading/filter";
import { NO_FILTER } from "../reading/filter";
import type { ResultReader } from "../reading/resultReader";
import { BlobText } from "./blobParts";
import { csvRow } from "./csv";
import { ParquetFile } from "./parquet";
import { type Cell, columnsOf, rowsOf, sheetColumnsOf, sheetRowsOf, type TableColumn, TERM_COLUMNS } from "./tables";
import { XlsxFile } from "./xlsx";

export type Format = "csv" | "xlsx" | "parquet" | "jsonl";

/** The byte order mark, by which spreadsheets recognize UTF-8. */
const BYTE_ORDER_MARK = "\ufeff";

/** Formats that people open in a spreadsheet; programs read the others. */
const SHEETS: readonly Format[] = ["csv", "xlsx"];

export interface DownloadRequest {
  /** Documents with their findings, or the terms of topics. */
  readonly table: "documents" | "terms";
  readonly format: Format;
  /** Only the findings that this filter shows. */
  readonly filter?: ResultFilter | undefined;
}

type OnProgress = (share: number) => boolean;

/** Build a file from a result. Undefined if ``onProgress`` stopped it. */
export async function buildDownload(
  reader: ResultReader,
  { table, format, filter }: DownloadRequest,
  onProgress: OnProgress,
): Promise<Blob | undefined> {
  if (table === "terms") {
    const sink = sinkOf(format, TERM_COLUMNS);
    for (const { topic, term, weight } of reader.terms) sink.add([topic, term, weight]);
    return sink.finish();
  }
  // The original lines; only those of topics are not JSON.
  if (format === "jsonl" && filter === undefined && reader.kind !== "topics") {
    const parts = reader.members.map(({ begin, end }) => reader.store.slice(begin, end));
    return new Blob(parts, { type: "application/x-ndjson" });
  }
  const numbers = await reader.select({ ...(filter ?? NO_FILTER), order: "input" }, onProgress);
  let whole = true;
  const visit = (number: number): boolean => {
    whole = number % 256 !== 0 || onProgress(number / Math.max(reader.index.length, 1));
    return whole;
  };
  if (format === "jsonl" && reader.kind !== "topics") {
    const file = new BlobText("application/x-ndjson");
    await reader.eachLine(numbers, (line, number) => {
      if (line !== "") file.add(`${line}\n`);
      return visit(number);
    });
    return whole ? file.finish() : undefined;
  }
  if (SHEETS.includes(format)) {
    const sink = sinkOf(format, sheetColumnsOf(reader.kind));
    await reader.eachLine(numbers, async (line, number) => {
      const text = await reader.texts.textOf(reader.index, number);
      for (const row of sheetRowsOf(reader.kind, reader.parseText(line), text, filter)) sink.add(row);
      return visit(number);
    });
    return whole ? sink.finish() : undefined;
  }
  const sink = sinkOf(format, columnsOf(reader.kind));
  await reader.eachLine(numbers, (line, number) => {
    for (const row of rowsOf(reader.kind, reader.parseText(line), filter)) sink.add(row);
    return visit(number);
  });
  return whole ? sink.finish() : undefined;
}

interface Sink {
  readonly add: (cells: readonly Cell[]) => void;
  readonly finish: () => Blob;
}

function sinkOf(format: Format, columns: readonly TableColumn[]): Sink {
  if (format === "parquet") return new ParquetFile(columns);
  if (format === "xlsx") return new XlsxFile(columns);
  const file = new BlobText(format === "csv" ? "text/csv;charset=utf-8" : "application/x-ndjson");
  if (format === "csv") file.add(BYTE_ORDER_MARK + csvRow(columns.map((column) => column.name)));
  const add = (cells: readonly Cell[]): void => {
    if (format === "csv") file.add(csvRow(cells));
    else file.add(`${JSON.stringify(Object.fromEntries(columns.map(({ name }, at) => [name, cells[at]])))}\n`);
  };
  return { add, finish: () => file.finish() };
}
