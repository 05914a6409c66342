import { ByteWriter, ParquetWriter, schemaFromColumnData } from "hyparquet-writer";
import type { Cell, TableColumn } from "./tables";
import { wellFormed } from "./wellFormed";

const GROUP = 50_000;

/** A writer whose bytes go to blobs after each group of rows. */
class BlobWriter extends ByteWriter {
  readonly parts: Blob[] = [];

  flush(): void {
    this.parts.push(new Blob([this.getBytes().slice()]));
    this.index = 0;
  }
}

/** Builds a Parquet file row by row; only the current group of rows is in memory. */
export class ParquetFile {
  readonly #columns: readonly TableColumn[];
  readonly #bytes = new BlobWriter();
  readonly #writer: ParquetWriter;
  #group: Cell[][];
  #rows = 0;

  constructor(columns: readonly TableColumn[]) {
    this.#columns = columns;
    this.#group = columns.map(() => []);
    const columnData = columns.map(({ name, type }) => ({ name, type, data: [], nullable: true }));
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: schemaFromColumnData({ columnData }),
      createdBy: "reading-room",
    });
  }

  add(cells: readonly Cell[]): void {
    this.#columns.forEach(({ type }, at) => {
      this.#group[at]?.push(fitting(cells[at], type));
    });
    this.#rows += 1;
    if (this.#rows >= GROUP) this.#writeGroup();
  }

  finish(): Blob {
    this.#writeGroup();
    this.#writer.finish();
    this.#bytes.flush();
    return new Blob(this.#bytes.parts, { type: "application/vnd.apache.parquet" });
  }

  #writeGroup(): void {
    if (this.#rows === 0) return;
    const columnData = this.#columns.map(({ name, type }, at) => ({ name, type, data: this.#group[at] ?? [] }));
    this.#writer.write({ columnData, rowGroupSize: GROUP });
    this.#group = this.#columns.map(() => []);
    this.#rows = 0;
  }
}

/** Invalid numbers must not make the whole file fail: values that a column cannot contain are left out. */
function fitting(cell: Cell, type: TableColumn["type"]): Cell {
  if (type === "INT32" && typeof cell === "number" && (!Number.isInteger(cell) || Math.abs(cell) > 2_147_483_647)) {
    return undefined;
  }
  // Text with a lone surrogate cannot be encoded in UTF-8.
  return typeof cell === "string" ? wellFormed(cell) : cell;
}
