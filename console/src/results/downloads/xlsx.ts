import { strToU8, Zip, ZipDeflate, ZipPassThrough } from "fflate";
import type { Cell, TableColumn } from "./tables";
import { wellFormed } from "./wellFormed";

/** The most rows of a sheet, including the header, and the most characters of a cell that spreadsheets accept. */
export const MOST_ROWS = 1_048_576;
const MOST_CHARACTERS = 32_767;
const PART = 1024 * 1024;
const MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE = "http://schemas.openxmlformats.org/package/2006";
const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml";

/**
 * Builds an Excel workbook row by row, with a megabyte of it in memory at a time. A full sheet is followed by
 * another.
 *
 * Every text is a string for the spreadsheet, whatever it begins with, and is never evaluated as a formula.
 *
 * Source: ECMA-376 part 1, sections 12.2 (the parts of a workbook) and 18.3.1 (sheets).
 */
export class XlsxFile {
  readonly #columns: readonly TableColumn[];
  readonly #mostRows: number;
  readonly #zip: Zip;
  readonly #parts: Blob[] = [];
  #sheets = 0;
  #rows = 0;
  #sheet: ZipDeflate | undefined;
  #open: string[] = [];
  #length = 0;
  #fault: Error | null = null;

  constructor(columns: readonly TableColumn[], mostRows: number = MOST_ROWS) {
    this.#columns = columns;
    this.#mostRows = mostRows;
    this.#zip = new Zip((error, bytes) => {
      this.#fault ??= error;
      if (error === null) this.#parts.push(new Blob([bytes.slice()]));
    });
    this.#beginSheet();
  }

  add(cells: readonly Cell[]): void {
    if (this.#rows === this.#mostRows) {
      this.#endSheet();
      this.#beginSheet();
    }
    this.#row(cells);
  }

  finish(): Blob {
    this.#endSheet();
    const numbers = Array.from({ length: this.#sheets }, (_, at) => at + 1);
    this.#file("xl/workbook.xml", workbook(numbers));
    this.#file("xl/_rels/workbook.xml.rels", workbookRelations(numbers));
    this.#file("_rels/.rels", packageRelations());
    this.#file("[Content_Types].xml", contentTypes(numbers));
    this.#zip.end();
    if (this.#fault !== null) throw this.#fault;
    return new Blob(this.#parts, { type: `${TYPE}.sheet` });
  }

  #beginSheet(): void {
    this.#sheets += 1;
    this.#rows = 0;
    this.#sheet = new ZipDeflate(`xl/worksheets/sheet${this.#sheets}.xml`, { level: 6 });
    this.#zip.add(this.#sheet);
    // The header stays visible while the user scrolls.
    const pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>';
    const views = `<sheetViews><sheetView workbookViewId="0">${pane}</sheetView></sheetViews>`;
    this.#write(`${HEAD}<worksheet xmlns="${MAIN}">${views}<sheetData>`);
    this.#row(this.#columns.map(({ name }) => name));
  }

  #row(cells: readonly Cell[]): void {
    this.#rows += 1;
    this.#write(`<row>${cells.map(xlsxCell).join("")}</row>`);
  }

  #endSheet(): void {
    this.#write("</sheetData></worksheet>");
    this.#flush(true);
  }

  #write(text: string): void {
    this.#open.push(text);
    this.#length += text.length;
    if (this.#length >= PART) this.#flush(false);
  }

  #flush(last: boolean): void {
    this.#sheet?.push(strToU8(this.#open.join("")), last);
    this.#open = [];
    this.#length = 0;
  }

  #file(name: string, content: string): void {
    const file = new ZipPassThrough(name);
    this.#zip.add(file);
    file.push(strToU8(HEAD + content), true);
  }
}

/** A cell: a number, or a text that is never evaluated. */
export function xlsxCell(cell: Cell): string {
  if (cell === undefined || (typeof cell === "number" && !Number.isFinite(cell))) return "<c/>";
  if (typeof cell === "number") return `<c><v>${cell}</v></c>`;
  return `<c t="inlineStr"><is><t xml:space="preserve">${xmlText(cell)}</t></is></c>`;
}

// XML allows only some control characters; the others are written as Excel writes them: _x0007_.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are the characters to escape.
const NO_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\r]/g;
const LOOKS_WRITTEN = /_(?=x[0-9A-Fa-f]{4}_)/g;

function xmlText(text: string): string {
  return wellFormed(cut(text))
    .replace(LOOKS_WRITTEN, "_x005F_")
    .replace(NO_XML, (letter) => `_x${letter.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}_`)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}

function cut(text: string): string {
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS - 1)}…`;
}

function workbook(sheets: readonly number[]): string {
  const each = sheets.map(
    (number) => `<sheet name="Results${number === 1 ? "" : ` ${number}`}" sheetId="${number}" r:id="rId${number}"/>`,
  );
  return `<workbook xmlns="${MAIN}" xmlns:r="${RELATIONS}"><sheets>${each.join("")}</sheets></workbook>`;
}

function workbookRelations(sheets: readonly number[]): string {
  const each = sheets.map(
    (number) =>
      `<Relationship Id="rId${number}" Type="${RELATIONS}/worksheet" Target="worksheets/sheet${number}.xml"/>`,
  );
  return `<Relationships xmlns="${PACKAGE}/relationships">${each.join("")}</Relationships>`;
}

function packageRelations(): string {
  const book = `<Relationship Id="rId1" Type="${RELATIONS}/officeDocument" Target="xl/workbook.xml"/>`;
  return `<Relationships xmlns="${PACKAGE}/relationships">${book}</Relationships>`;
}

function contentTypes(sheets: readonly number[]): string {
  const each = sheets.map(
    (number) => `<Override PartName="/xl/worksheets/sheet${number}.xml" ContentType="${TYPE}.worksheet+xml"/>`,
  );
  const relations = "application/vnd.openxmlformats-package.relationships+xml";
  return (
    `<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="${relations}"/>` +
    `<Override PartName="/xl/workbook.xml" ContentType="${TYPE}.sheet.main+xml"/>${each.join("")}</Types>`
  );
}
