/** Every language that the API's LanguageCode names. */
export const LANGUAGE_CODES = ["en", "es", "fr", "de", "it", "pt", "ar", "hi", "ja", "ko", "zh", "zh-TW"] as const;

/** The languages that a custom model can be of. */
export const MODEL_LANGUAGES = ["en", "es", "fr", "de", "it", "pt"] as const;

// The API tells the two by how they are written; the names that browsers have tell of countries.
const WRITTEN: Readonly<Record<string, string>> = { zh: "Chinese (simplified)", "zh-TW": "Chinese (traditional)" };
const NAMES = new Intl.DisplayNames(["en"], { type: "language", fallback: "code" });

/** A language for people: "German (de)". A code that is none stands for itself. */
export function languageName(code: string): string {
  try {
    const name = WRITTEN[code] ?? NAMES.of(code);
    return name === undefined || name === code ? code : `${name} (${code})`;
  } catch (error) {
    // What is no code in the sense of BCP 47.
    if (error instanceof RangeError) return code;
    throw error;
  }
}
