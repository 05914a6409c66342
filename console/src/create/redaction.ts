import type { PiiEntityType } from "@aws-sdk/client-comprehend";
import type { JobProperties } from "../jobs/properties";

/** What a job for personal data writes, and how it redacts. Fields that do not apply are kept, but not sent. */
export interface RedactionValue {
  readonly mode: "ONLY_OFFSETS" | "ONLY_REDACTION";
  readonly maskMode: "MASK" | "REPLACE_WITH_PII_ENTITY_TYPE";
  readonly character: string;
  /** Empty for all types. */
  readonly types: readonly string[];
}

export const NO_REDACTION: RedactionValue = { mode: "ONLY_OFFSETS", maskMode: "MASK", character: "*", types: [] };

/** The characters that the API allows. */
export const MASK_CHARACTERS: readonly string[] = [..."*#!@$%&"];

/** The members of the request. */
export function redactionMembers({ mode, maskMode, character, types }: RedactionValue) {
  if (mode === "ONLY_OFFSETS") return { Mode: mode };
  return {
    Mode: mode,
    RedactionConfig: {
      PiiEntityTypes: types.length === 0 ? ["ALL"] : [...types],
      MaskMode: maskMode,
      ...(maskMode === "MASK" && { MaskCharacter: character }),
    },
  };
}

/** The form's values for a job. */
export function redactionOf({ Mode, RedactionConfig: config }: JobProperties): RedactionValue {
  if (Mode !== "ONLY_REDACTION") return NO_REDACTION;
  const types: readonly PiiEntityType[] = config?.PiiEntityTypes ?? [];
  return {
    mode: "ONLY_REDACTION",
    maskMode: config?.MaskMode ?? "MASK",
    character: config?.MaskCharacter ?? NO_REDACTION.character,
    types: types.includes("ALL") ? [] : types,
  };
}
