import type { Tag } from "../components/tags/tags";
import { type EncryptionValue, keyOf, keyProblem, NOT_ENCRYPTED } from "../create/parts/encryption";
import { roleProblem } from "../create/parts/role";
import { s3UriProblem } from "../create/parts/s3Uri";
import { tagsProblem } from "../create/parts/tags";
import { NO_VPC, type VpcValue, validateVpc, vpcConfig } from "../create/parts/vpc";
import { nameProblem } from "./names";
import { policyProblem } from "./policy";

/** An augmented manifest as entered in a form. */
export interface Manifest {
  readonly id: string;
  readonly uri: string;
  readonly split: "TRAIN" | "TEST";
  /** Attribute names as they are typed, separated by commas or spaces. */
  readonly attributes: string;
}

export type DataFormat = "COMPREHEND_CSV" | "AUGMENTED_MANIFEST";

/** The values that the forms of both types of model share. */
export interface TrainingDraft {
  readonly name: string;
  readonly version: string;
  readonly language: string;
  readonly modelKey: EncryptionValue;
  readonly volumeKey: EncryptionValue;
  readonly dataFormat: DataFormat;
  readonly manifests: readonly Manifest[];
  readonly roleArn: string;
  readonly vpc: VpcValue;
  readonly tags: readonly Tag[];
  /** The policy that the model is created with; empty for none. */
  readonly policy: string;
}

/** What is wrong, by the name of the form's field. */
export type Problems = Readonly<Record<string, string | undefined>>;

export const MANIFESTS = 5;
export const ATTRIBUTES = 5;
const ATTRIBUTE = /^[a-zA-Z0-9](-*[a-zA-Z0-9])*$/;

export function newManifest(): Manifest {
  return { id: crypto.randomUUID(), uri: "", split: "TRAIN", attributes: "" };
}

export function emptyTraining(): TrainingDraft {
  return {
    name: "",
    version: "",
    language: "en",
    modelKey: NOT_ENCRYPTED,
    volumeKey: NOT_ENCRYPTED,
    dataFormat: "COMPREHEND_CSV",
    manifests: [newManifest()],
    roleArn: "",
    vpc: NO_VPC,
    tags: [],
    policy: "",
  };
}

export function trainingProblems(draft: TrainingDraft): Problems {
  const network = validateVpc(draft.vpc);
  return {
    name: nameProblem(draft.name, true),
    version: nameProblem(draft.version, false),
    modelKey: keyProblem(draft.modelKey),
    volumeKey: keyProblem(draft.volumeKey),
    role: roleProblem(draft.roleArn),
    vpc: network.vpc,
    subnets: network.subnets,
    groups: network.groups,
    tags: tagsProblem(draft.tags),
    policy: draft.policy.trim() === "" ? undefined : policyProblem(draft.policy),
    ...(draft.dataFormat === "AUGMENTED_MANIFEST" && manifestProblems(draft.manifests)),
  };
}

export function hasProblems(problems: Problems): boolean {
  return Object.values(problems).some((problem) => problem !== undefined);
}

/** The members that both Create operations have, except the name, whose member has different names. */
export function trainingMembers(draft: TrainingDraft) {
  const modelKey = keyOf(draft.modelKey);
  const volumeKey = keyOf(draft.volumeKey);
  const network = vpcConfig(draft.vpc);
  return {
    ...(draft.version !== "" && { VersionName: draft.version }),
    LanguageCode: draft.language,
    DataAccessRoleArn: draft.roleArn,
    ...(modelKey !== undefined && { ModelKmsKeyId: modelKey }),
    ...(volumeKey !== undefined && { VolumeKmsKeyId: volumeKey }),
    ...(network !== undefined && { VpcConfig: network }),
    ...(draft.tags.length > 0 && { Tags: draft.tags.map(({ Key, Value }) => ({ Key, Value })) }),
    ...(draft.policy.trim() !== "" && { ModelPolicy: draft.policy.trim() }),
  };
}

export function manifestMembers(manifests: readonly Manifest[]) {
  return manifests.map(({ uri, split, attributes }) => ({
    S3Uri: uri,
    AttributeNames: attributeNames(attributes),
    ...(split === "TEST" && { Split: split }),
  }));
}

function attributeNames(typed: string): string[] {
  return typed.split(/[\s,]+/).filter((name) => name !== "");
}

/** The locations of a draft that are filled in, for the role that reads them. */
export function given(...uris: readonly string[]): string[] {
  return uris.filter((uri) => s3UriProblem(uri) === undefined);
}

/** What is wrong with manifests, by the name of their fields. */
export function manifestProblems(manifests: readonly Manifest[]): Problems {
  const problems: Record<string, string | undefined> = {};
  if (manifests.length > MANIFESTS) problems["manifests"] = `A training accepts at most ${MANIFESTS} manifests.`;
  if (manifests.every(({ split }) => split === "TEST")) {
    problems["manifests"] = "All manifests are for testing: at least one must be for training.";
  }
  for (const { id, uri, attributes } of manifests) {
    problems[`manifest-${id}-uri`] = s3UriProblem(uri);
    problems[`manifest-${id}-attributes`] = attributesProblem(attributes);
  }
  return problems;
}

function attributesProblem(typed: string): string | undefined {
  const names = attributeNames(typed);
  if (names.length === 0) return "Enter the label attribute's name, without -metadata.";
  if (names.length > ATTRIBUTES) return `A manifest has at most ${ATTRIBUTES} attribute names.`;
  const wrong = names.find((name) => name.length > 63 || !ATTRIBUTE.test(name));
  return wrong === undefined
    ? undefined
    : `${wrong} is not an attribute name: use at most 63 letters, digits and hyphens, and end with a letter or a digit.`;
}
