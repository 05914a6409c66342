/** The types of files by extension. Jobs read only plain text; each other file becomes an error. */
const KINDS: readonly (readonly [string, RegExp])[] = [
  ["PDF", /\.pdf$/i],
  ["Word", /\.(docx?|odt|rtf|pages)$/i],
  ["spreadsheet", /\.(xlsx?|ods|numbers)$/i],
  ["presentation", /\.(pptx?|odp|key)$/i],
  ["picture", /\.(png|jpe?g|gif|tiff?|bmp|webp|heic)$/i],
  ["archive", /\.(zip|gz|tgz|tar|7z|rar|bz2|xz)$/i],
  ["e-mail or book", /\.(msg|eml|pst|epub|mobi)$/i],
  ["sound or film", /\.(mp3|wav|mp4|mov|avi|mkv|m4a|ogg|flac)$/i],
];

/** The type of an unreadable file, by its name; undefined for one that may be text. */
export function unreadableKind(name: string): string | undefined {
  return KINDS.find(([, ending]) => ending.test(name))?.[0];
}

/** The files that no job can read, with their types: "report.pdf (PDF)". */
export function unreadableFiles(names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const kind = unreadableKind(name);
    return kind === undefined ? [] : [`${name} (${kind})`];
  });
}
