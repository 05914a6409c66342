const TEXT = /"(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const SPACE = /[ \t\r\n]*/y;

/** The position at which a text stops being JSON. Browsers report it in different words, or not at all. */
class Fault extends Error {
  constructor(readonly offset: number) {
    super("not valid JSON");
  }
}

/** The offset of the first character that is not valid JSON; the text's length if the text ends too early. */
export function jsonFault(text: string): number | undefined {
  try {
    const end = skip(text, value(text, skip(text, 0)));
    return end === text.length ? undefined : end;
  } catch (error) {
    if (error instanceof Fault) return error.offset;
    throw error;
  }
}

function match(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  const found = pattern.exec(text);
  if (found === null) throw new Fault(at);
  return at + found[0].length;
}

function skip(text: string, at: number): number {
  return match(SPACE, text, at);
}

function value(text: string, at: number): number {
  const character = text[at];
  if (character === "{") return list(text, at, "}", member);
  if (character === "[") return list(text, at, "]", value);
  if (character === '"') return string(text, at);
  return /[-0-9]/.test(character ?? "") ? match(NUMBER, text, at) : match(WORD, text, at);
}

/** A string, in which control characters must be escaped. */
function string(text: string, at: number): number {
  const end = match(TEXT, text, at);
  for (let offset = at; offset < end; offset += 1) {
    if (text.charCodeAt(offset) < 0x20) throw new Fault(offset);
  }
  return end;
}

function member(text: string, at: number): number {
  const colon = skip(text, string(text, at));
  if (text[colon] !== ":") throw new Fault(colon);
  return value(text, skip(text, colon + 1));
}

function list(text: string, start: number, close: string, item: (text: string, at: number) => number): number {
  let at = skip(text, start + 1);
  if (text[at] === close) return at + 1;
  for (;;) {
    at = skip(text, item(text, at));
    if (text[at] === close) return at + 1;
    if (text[at] !== ",") throw new Fault(at);
    at = skip(text, at + 1);
  }
}
