import { RESULTS, type ResultKind } from "./rows.generated";

/** Whether its findings have positions in the text, rather than being about the whole document. */
export function findsPlaces(kind: ResultKind): boolean {
  return ["spans", "offsets", "mentions", "events"].includes(RESULTS[kind].layout);
}

/** Whether its results are about each document as a whole. */
export function judgesDocuments(kind: ResultKind): boolean {
  return RESULTS[kind].layout === "types" || RESULTS[kind].layout === "tone";
}

/** Whether its findings are mentions, each with a sentiment. */
export function findsMentions(kind: ResultKind): boolean {
  return RESULTS[kind].layout === "mentions";
}

/** Whether its findings are words that tell events. */
export function findsEvents(kind: ResultKind): boolean {
  return RESULTS[kind].layout === "events";
}

/** Whether its findings have types. */
export function hasTypes(kind: ResultKind): boolean {
  return RESULTS[kind].typeMember !== undefined;
}

/** Whether its types are languages. */
export function findsLanguages(kind: ResultKind): boolean {
  return RESULTS[kind].typeMember === "LanguageCode";
}
