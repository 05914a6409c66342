// Written by `make docs` from src/reading_room/analysis/formats.py. Do not edit.

/** The formats of documents that jobs read. */
export type FormatName =
  | "text"
  | "markdown"
  | "pdf"
  | "word"
  | "powerpoint"
  | "excel"
  | "opendocument"
  | "epub"
  | "html"
  | "rtf"
  | "csv"
  | "jsonl"
  | "email"
  | "mbox"
  | "image"
  | "gzip";

export interface FileFormat {
  readonly name: FormatName;
  /** What people call it, as in a list: "PDF", "plain text". */
  readonly label: string;
  readonly suffixes: readonly string[];
}

/** Every format, with the suffixes of its files. */
export const FORMATS: readonly FileFormat[] = [
  {
    name: "text",
    label: "plain text",
    suffixes: [".txt", ".text", ".log"],
  },
  {
    name: "markdown",
    label: "Markdown",
    suffixes: [".md", ".markdown"],
  },
  {
    name: "pdf",
    label: "PDF",
    suffixes: [".pdf"],
  },
  {
    name: "word",
    label: "Word",
    suffixes: [".docx", ".docm", ".dotx"],
  },
  {
    name: "powerpoint",
    label: "PowerPoint",
    suffixes: [".pptx", ".pptm"],
  },
  {
    name: "excel",
    label: "Excel",
    suffixes: [".xlsx", ".xlsm"],
  },
  {
    name: "opendocument",
    label: "OpenDocument",
    suffixes: [".odt", ".ods", ".odp"],
  },
  {
    name: "epub",
    label: "EPUB",
    suffixes: [".epub"],
  },
  {
    name: "html",
    label: "HTML",
    suffixes: [".html", ".htm", ".xhtml"],
  },
  {
    name: "rtf",
    label: "RTF",
    suffixes: [".rtf"],
  },
  {
    name: "csv",
    label: "CSV",
    suffixes: [".csv", ".tsv"],
  },
  {
    name: "jsonl",
    label: "JSON Lines",
    suffixes: [".jsonl", ".ndjson"],
  },
  {
    name: "email",
    label: "e-mail",
    suffixes: [".eml"],
  },
  {
    name: "mbox",
    label: "mailbox",
    suffixes: [".mbox"],
  },
  {
    name: "image",
    label: "image",
    suffixes: [".png", ".jpg", ".jpeg", ".tif", ".tiff"],
  },
  {
    name: "gzip",
    label: "gzip of one text",
    suffixes: [".gz"],
  },
];

/** The suffixes of formats of office programs before 2007, which are not read. */
export const OLD_SUFFIXES: readonly string[] = [".doc", ".dot", ".pps", ".ppt", ".xls"];

/** The most bytes of a file that is not plain text. */
export const FILE_BYTES = 52_428_800;

/** The tag of a job that reads documents of every format, and its only value. */
export const DOCUMENTS_TAG = "reading-room:documents";
export const ANY_DOCUMENTS = "any";

/** The tag that names the column of tables that is the text. */
export const COLUMN_TAG = "reading-room:column";
