/** Every language of the API's LanguageCode. */
export const LANGUAGE_CODES = ["en", "es", "fr", "de", "it", "pt", "ar", "hi", "ja", "ko", "zh", "zh-TW"] as const;

/** The languages that custom models support. */
export const MODEL_LANGUAGES = ["en", "es", "fr", "de", "it", "pt"] as const;

// The API distinguishes the two by their script, but the names that browsers have are those of countries.
const WRITTEN: Readonly<Record<string, string>> = { zh: "Chinese (simplified)", "zh-TW": "Chinese (traditional)" };
const NAMES = new Intl.DisplayNames(["en"], { type: "language", fallback: "code" });

/** A language for people to read: "German (de)". An unknown code is returned as it is. */
export function languageName(code: string): string {
  try {
    const name = WRITTEN[code] ?? NAMES.of(code);
    return name === undefined || name === code ? code : `${name} (${code})`;
  } catch (error) {
    // It is not a code of BCP 47.
    if (error instanceof RangeError) return code;
    throw error;
  }
}
