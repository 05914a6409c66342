import type { AnalysisType } from "./analysisTypes";
import { readsDocuments } from "./documents";
import type { Draft } from "./draft";
import { keyProblem } from "./parts/encryption";
import { roleProblem } from "./parts/role";
import { s3UriProblem } from "./parts/s3Uri";
import { tagsProblem } from "./parts/tags";
import { validateTaggedVpc, validateVpc } from "./parts/vpc";

/** The fields that can have an error. */
export type Field =
  | "name"
  | "type"
  | "language"
  | "topics"
  | "model"
  | "volumeKey"
  | "input"
  | "inputFormat"
  | "output"
  | "outputKey"
  | "role"
  | "vpc"
  | "subnets"
  | "groups"
  | "tags";

export type Errors = Partial<Record<Field, string>>;

/** The label of each field on the page, for the summary at the button. */
export const FIELD_LABELS: Readonly<Record<Field, string>> = {
  name: "Name",
  type: "Analysis type",
  language: "Language",
  topics: "Number of topics",
  model: "Model",
  volumeKey: "Job encryption",
  input: "Input S3 location",
  inputFormat: "Input format",
  output: "Output S3 location",
  outputKey: "Output encryption",
  role: "IAM role",
  vpc: "VPC",
  subnets: "Subnets",
  groups: "Security groups",
  tags: "Tags",
};

const NAME_LENGTH = 256;
const NAME = /^[\p{L}\p{Z}\p{N}_.:/=+\-%@]*$/u;

/** What is wrong with a draft, by field, according to the limits of the API; empty if it can be sent. */
export function validateDraft(draft: Draft, type: AnalysisType): Errors {
  const found: Partial<Record<Field, string | undefined>> = {
    name: nameProblem(draft.name),
    language: languageProblem(draft, type),
    topics: type.hasTopics ? topicsProblem(draft.topics) : undefined,
    model: type.model !== undefined && draft.modelArn === "" ? `Choose a trained ${type.model}.` : undefined,
    volumeKey: type.kind.vpcTag ? undefined : keyProblem(draft.volumeKey),
    input: s3UriProblem(draft.input),
    inputFormat: inputFormatProblem(draft),
    output: s3UriProblem(draft.output),
    outputKey: keyProblem(draft.outputKey),
    role: roleProblem(draft.roleArn),
    ...(type.kind.vpcTag ? validateTaggedVpc : validateVpc)(draft.vpc),
    tags: tagsProblem(draft.tags),
  };
  return Object.fromEntries(Object.entries(found).filter(([, text]) => text !== undefined));
}

export function nameProblem(name: string): string | undefined {
  if (name.length > NAME_LENGTH) return `Shorten the name: it has ${name.length} characters of ${NAME_LENGTH}.`;
  return NAME.test(name) ? undefined : "Use only letters, digits, spaces and _.:/=+-%@.";
}

function languageProblem(draft: Draft, type: AnalysisType): string | undefined {
  if (type.languages.length === 0) return undefined;
  if (draft.language === "") return "Choose the language of the documents.";
  return type.served.includes(draft.language)
    ? undefined
    : `${type.label} does not work for ${draft.language} here. Choose one of: ${type.served.join(", ")}.`;
}

function inputFormatProblem({ inputFormat, tags }: Draft): string | undefined {
  return readsDocuments(tags) && inputFormat !== "ONE_DOC_PER_FILE"
    ? "Choose one document per file: documents of other formats than text are read as a whole."
    : undefined;
}

function topicsProblem(topics: string): string | undefined {
  return /^[1-9][0-9]{0,2}$/.test(topics) && Number(topics) <= 100 ? undefined : "Enter a whole number from 1 to 100.";
}
