/** The tag that names the recall profile of a job for personal data. */
export const PROFILE_TAG = "reading-room:pii-profile";

/** What a recall profile promises, in answers of the API `reading-room`. */
export interface Bound {
  readonly Name: string;
  readonly LanguageCode: string;
  readonly Recall: number;
  readonly Confidence: number;
  readonly SampleDocuments: number;
  readonly Engine: string;
  readonly Types: readonly { readonly Type: string; readonly Threshold: number; readonly Documents: number }[];
}

/** A recall profile that the account keeps. */
export interface Profile extends Bound {
  readonly Arn: string;
  readonly Default: boolean;
  /** Whether the engine has changed since its sample was analysed, so that it holds no more. */
  readonly Stale: boolean;
  /** Seconds since 1970. */
  readonly StoredAt: number;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const CONTENT_BYTES = 16_384;

/** What is wrong with the name of a profile; undefined if it is valid. */
export function profileNameProblem(name: string): string | undefined {
  return NAME.test(name) ? undefined : "Use 1 to 63 letters, digits, dots, underscores and hyphens.";
}

/** What is wrong with a file that should be a profile; undefined if it may be one. The service checks what is in it. */
export function profileFileProblem(file: { readonly size: number } | undefined): string | undefined {
  if (file === undefined) return "Choose the file that reading-room pii calibrate wrote.";
  return file.size > CONTENT_BYTES ? "The file is too large for a profile." : undefined;
}

/** The name for a profile's file: "claims" for "claims.profile.json". */
export function nameOfFile(name: string): string {
  return name
    .replace(/(\.profile)?\.json$/i, "")
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 63);
}

/** "98 % of each type, with probability 0.95, from 300 documents" */
export function promiseWords({ Recall, Confidence, SampleDocuments }: Bound): string {
  const percent = `${Number((Recall * 100).toFixed(2))} %`;
  return `${percent} of each type, with probability ${Confidence}, from ${SampleDocuments.toLocaleString("en")} documents`;
}

/** "NAME from 0.61, EMAIL from 0.2" */
export function thresholdWords({ Types }: Bound): string {
  return Types.map(({ Type, Threshold }) => `${Type} from ${Number(Threshold.toFixed(3))}`).join(", ");
}

/** The profiles that a job in a language can name. */
export function usableFor(profiles: readonly Profile[], language: string): readonly Profile[] {
  return profiles.filter(({ LanguageCode, Stale }) => LanguageCode === language && !Stale);
}
