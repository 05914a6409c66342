import { RESULTS, type ResultKind } from "./rows.generated";

/** Whether it finds places in the text, and does not judge the document as a whole. */
export function findsPlaces(kind: ResultKind): boolean {
  return RESULTS[kind].layout === "spans" || RESULTS[kind].layout === "mentions";
}

/** Whether it judges each document as a whole. */
export function judgesDocuments(kind: ResultKind): boolean {
  return RESULTS[kind].layout === "types" || RESULTS[kind].layout === "tone";
}

/** Whether it finds what a text mentions, each mention with a sentiment. */
export function findsMentions(kind: ResultKind): boolean {
  return RESULTS[kind].layout === "mentions";
}

/** Whether its findings have types. */
export function hasTypes(kind: ResultKind): boolean {
  return RESULTS[kind].typeMember !== undefined;
}

/** Whether its types are languages. */
export function findsLanguages(kind: ResultKind): boolean {
  return RESULTS[kind].typeMember === "LanguageCode";
}
