import { type Compared, keyOf } from "./findings";
import type { CompareLimits } from "./limits";
import { documentKey, type Portable, type PortableDocument } from "./portable";

/** A place that both results have, with different labels. */
export interface Changed {
  readonly one: Compared;
  readonly other: Compared;
}

/** A document whose results differ. */
export interface DocumentDifference {
  readonly key: string;
  readonly file: string;
  readonly line: number | undefined;
  readonly errors: { readonly one: string | undefined; readonly other: string | undefined } | undefined;
  readonly onlyOne: readonly Compared[];
  readonly onlyOther: readonly Compared[];
  readonly changed: readonly Changed[];
  /** How many differences it has. */
  readonly count: number;
}

/** How often a type was found by both, and by only one, in the documents that were compared. */
export interface TypeDifference {
  readonly type: string;
  readonly both: number;
  readonly onlyOne: number;
  readonly onlyOther: number;
}

/** What one result has and the other does not. */
export interface Comparison {
  readonly documents: {
    readonly compared: number;
    readonly different: number;
    readonly onlyOne: number;
    readonly onlyOther: number;
  };
  readonly both: number;
  readonly onlyOne: number;
  readonly onlyOther: number;
  /** Places with another label; each is also counted in ``onlyOne`` and ``onlyOther``. */
  readonly changed: number;
  readonly types: readonly TypeDifference[];
  /** The first documents that differ, in the order of the input. */
  readonly shown: readonly DocumentDifference[];
  /** Whether documents were left out because there are too many, or because a result was read only in part. */
  readonly cut: boolean;
}

/** Compare two results document by document. */
export function compare(one: Portable, other: Portable, limits: CompareLimits): Comparison {
  const left = new Map(one.documents.map((document) => [documentKey(document), document]));
  const types = new Map<string, { both: number; onlyOne: number; onlyOther: number }>();
  const count = (type: string, side: "both" | "onlyOne" | "onlyOther"): void => {
    const counts = types.get(type) ?? { both: 0, onlyOne: 0, onlyOther: 0 };
    counts[side] += 1;
    types.set(type, counts);
  };
  const shown: DocumentDifference[] = [];
  let [compared, different, onlyOther, changed] = [0, 0, 0, 0];
  for (const document of other.documents) {
    const key = documentKey(document);
    const before = left.get(key);
    if (before === undefined) {
      onlyOther += 1;
      continue;
    }
    left.delete(key);
    compared += 1;
    const difference = compareDocument(before, document, count);
    changed += difference.changed.length;
    if (difference.count === 0) continue;
    different += 1;
    if (shown.length < limits.shown) shown.push(shortened(difference, limits.perDocument));
  }
  const all = [...types].map(([type, counts]) => ({ type, ...counts }));
  const sum = (side: "both" | "onlyOne" | "onlyOther"): number => all.reduce((total, each) => total + each[side], 0);
  return {
    // A document that only one has may be among those of the other that were left out.
    documents: { compared, different, onlyOne: other.cut ? 0 : left.size, onlyOther: one.cut ? 0 : onlyOther },
    both: sum("both"),
    onlyOne: sum("onlyOne"),
    onlyOther: sum("onlyOther"),
    changed,
    types: all.sort(
      (first, second) =>
        second.onlyOne + second.onlyOther - first.onlyOne - first.onlyOther || first.type.localeCompare(second.type),
    ),
    shown,
    cut: one.cut || other.cut,
  };
}

type Count = (type: string, side: "both" | "onlyOne" | "onlyOther") => void;

function compareDocument(one: PortableDocument, other: PortableDocument, count: Count): DocumentDifference {
  const [left, right] = [new Set(one.findings.map(keyOf)), new Set(other.findings.map(keyOf))];
  for (const finding of one.findings) count(finding.type, right.has(keyOf(finding)) ? "both" : "onlyOne");
  const missing = one.findings.filter((finding) => !right.has(keyOf(finding)));
  const added = other.findings.filter((finding) => !left.has(keyOf(finding)));
  for (const { type } of added) count(type, "onlyOther");
  const atPlace = new Map(added.map((finding) => [finding.place, finding]));
  const changed: Changed[] = [];
  for (const finding of missing) {
    const instead = atPlace.get(finding.place);
    if (instead === undefined) continue;
    atPlace.delete(finding.place);
    changed.push({ one: finding, other: instead });
  }
  const paired = new Set(changed.flatMap((pair) => [pair.one, pair.other]));
  const onlyOne = missing.filter((finding) => !paired.has(finding));
  const onlyOther = added.filter((finding) => !paired.has(finding));
  const failed = one.error !== other.error;
  return {
    key: documentKey(other),
    file: other.file,
    line: other.line,
    errors: failed ? { one: one.error, other: other.error } : undefined,
    onlyOne,
    onlyOther,
    changed,
    count: onlyOne.length + onlyOther.length + changed.length + (failed ? 1 : 0),
  };
}

function shortened(difference: DocumentDifference, most: number): DocumentDifference {
  const { onlyOne, onlyOther, changed } = difference;
  return {
    ...difference,
    onlyOne: onlyOne.slice(0, most),
    onlyOther: onlyOther.slice(0, most),
    changed: changed.slice(0, most),
  };
}
