import type { Tag } from "../components/tags/tags";
import { KeptDraft } from "../session/keptDraft";
import { type EncryptionValue, NOT_ENCRYPTED } from "./parts/encryption";
import { NO_VPC, type VpcValue } from "./parts/vpc";
import { NO_REDACTION, type RedactionValue } from "./redaction";

export type InputFormat = "ONE_DOC_PER_LINE" | "ONE_DOC_PER_FILE";

/** The values of the form. Fields that the chosen analysis type does not have are kept, but not sent. */
export interface Draft {
  readonly name: string;
  /** The id of an analysis type. */
  readonly type: string;
  readonly language: string;
  readonly topics: string;
  readonly modelArn: string;
  readonly redaction: RedactionValue;
  /** The types of events to find; empty for all. */
  readonly eventTypes: readonly string[];
  readonly volumeKey: EncryptionValue;
  readonly input: string;
  /** The input whose files decided whether the job reads documents; afterwards the user decides. */
  readonly lookedAt: string;
  readonly inputFormat: InputFormat;
  readonly output: string;
  readonly outputKey: EncryptionValue;
  readonly roleArn: string;
  readonly vpc: VpcValue;
  readonly tags: readonly Tag[];
}

export const EMPTY_DRAFT: Draft = {
  name: "",
  type: "entities",
  language: "en",
  topics: "10",
  modelArn: "",
  redaction: NO_REDACTION,
  eventTypes: [],
  volumeKey: NOT_ENCRYPTED,
  input: "",
  lookedAt: "",
  inputFormat: "ONE_DOC_PER_LINE",
  output: "",
  outputKey: NOT_ENCRYPTED,
  roleArn: "",
  vpc: NO_VPC,
  tags: [],
};

export const keptJob = new KeptDraft<Draft>();
