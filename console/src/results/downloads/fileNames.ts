import { saveAs } from "../../components/saveAs";

import { wellFormed } from "./wellFormed";

const LONGEST = 120;
// Control characters, invisible ones, those that change the direction of text, and those that file systems refuse.
const REFUSED =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are the characters to remove.
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb<>:"/\\|?*]/g;
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** A safe name for a download, whatever the original name: no path, nothing hidden, not too long. */
export function safeFileName(name: string, fallback = "results"): string {
  const last = name.split(/[/\\]/).at(-1) ?? "";
  const clean = wellFormed(last)
    .replace(REFUSED, "")
    .replace(/^[.\s~-]+/, "")
    .replace(/[.\s]+$/, "");
  if (clean === "") return fallback;
  return shortened(RESERVED.test(clean) ? `_${clean}` : clean);
}

/** Shorten the stem, without cutting a character; the extension stays. */
function shortened(name: string): string {
  const letters = [...name];
  if (letters.length <= LONGEST) return name;
  const extension = /(?:\.[A-Za-z0-9]{1,8}){1,2}$/.exec(name)?.[0] ?? "";
  return letters.slice(0, LONGEST - extension.length).join("") + extension;
}

/** Download a file, with a name that every file system accepts. */
export function saveBlob(blob: Blob, name: string): void {
  saveAs(blob, safeFileName(name));
}
