import { PREVIEW_BYTES, previewOf } from "../preview";
import { isUnknown } from "../reading";

/** A file on the user's computer, with its path in the folder that was chosen; "letters/1843/a.txt". */
export interface FoundFile {
  readonly file: File;
  readonly path: string;
  /** Whether it is text, where its name says no format. */
  readonly text?: boolean;
}

export interface Found {
  readonly files: readonly FoundFile[];
  /** The paths of files and folders that the browser could not open. */
  readonly closed: readonly string[];
}

/** The files of an input element. Those of a folder have their path. */
export function filesOfInput(files: Iterable<File> | null): Found {
  return {
    files: [...(files ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name })),
    closed: [],
  };
}

/**
 * The files that were dropped, those in folders included. ``onFound`` gets how many have been found so far.
 *
 * Call it while the event is handled: afterwards, browsers give nothing of it away.
 */
export function filesOfDrop(
  transfer: DataTransfer,
  onFound: (count: number) => void = () => undefined,
): Promise<Found> {
  const items = [...transfer.items].filter(({ kind }) => kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (entries.length < items.length) return Promise.resolve(filesOfInput(transfer.files));
  return filesOfEntries(entries, onFound);
}

/** The files of entries and of all folders in them, in the order of their paths. */
export async function filesOfEntries(
  entries: readonly FileSystemEntry[],
  onFound: (count: number) => void,
): Promise<Found> {
  const files: FoundFile[] = [];
  const closed: string[] = [];
  const waiting = [...entries];
  for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
    const path = entry.fullPath.replace(/^\/+/, "");
    try {
      if (isFolder(entry)) waiting.push(...(await entriesOf(entry)));
      else files.push({ file: await fileOf(entry as FileSystemFileEntry), path });
    } catch {
      // Its owner may not open it, or it has just been deleted: the others are still uploaded.
      closed.push(path);
    }
    onFound(files.length);
  }
  files.sort((one, other) => (one.path < other.path ? -1 : 1));
  return { files, closed: closed.sort() };
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const found: FileSystemEntry[] = [];
  for (;;) {
    // A reader gives about a hundred entries at a time, and none when all were given.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    found.push(...some);
  }
}

/** The same files, those without a known suffix with the answer whether they are text. */
export async function withContent(found: Found): Promise<Found> {
  const files: FoundFile[] = [];
  const closed = [...found.closed];
  for (const each of found.files) {
    if (!isUnknown(each.path)) files.push(each);
    else {
      try {
        files.push({ ...each, text: await isText(each.file) });
      } catch {
        closed.push(each.path);
      }
    }
  }
  return { files, closed };
}

async function isText(file: File): Promise<boolean> {
  const beginning = new Uint8Array(await file.slice(0, PREVIEW_BYTES).arrayBuffer());
  return previewOf(beginning, file.size).kind === "text";
}
