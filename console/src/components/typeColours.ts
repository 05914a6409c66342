import "./typeColours.css";

/** The number of colours: the classes ``type-colour-0`` and so on. */
export const COLOURS = 12;

/** The colours that people expect of sentiments, and distinct ones for the most frequent types of entities. */
const KNOWN: Readonly<Record<string, number>> = {
  POSITIVE: 1,
  NEGATIVE: 3,
  NEUTRAL: 7,
  MIXED: 2,
  PERSON: 0,
  LOCATION: 5,
  ORGANIZATION: 4,
  DATE: 10,
  QUANTITY: 8,
  EVENT: 6,
  TITLE: 9,
  COMMERCIAL_ITEM: 11,
  OTHER: 7,
};

/** The number of a type's colour. It depends only on the name, so it is the same on every page and in every text. */
export function typeColour(type: string): number {
  const known = KNOWN[type];
  if (known !== undefined) return known;
  let hash = 0;
  for (const letter of type) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 1_000_003;
  return hash % COLOURS;
}
