import type { Tag } from "../components/tags/tags";
import { roleProblem } from "../create/parts/role";
import { s3UriProblem } from "../create/parts/s3Uri";
import { tagsProblem } from "../create/parts/tags";
import { NO_VPC, type VpcValue, validateVpc, vpcConfig } from "../create/parts/vpc";
import type { Mode } from "../models/classifierDraft";
import type { ModelKindId } from "../models/kinds";
import { nameProblem } from "../models/names";
import { typeProblems } from "../models/recognizerDraft";
import type { Problems } from "../models/training";
import { KeptDraft } from "../session/keptDraft";

/** What a flywheel begins with: the description of a new model, or a trained model. */
export type Beginning = "task" | "model";

export interface FlywheelDraft {
  readonly name: string;
  readonly beginning: Beginning;
  readonly kind: ModelKindId;
  readonly language: string;
  readonly mode: Mode;
  readonly types: readonly string[];
  /** The ARN of the model that is active from the beginning. */
  readonly model: string | undefined;
  readonly lake: string;
  readonly roleArn: string;
  readonly vpc: VpcValue;
  readonly tags: readonly Tag[];
}

export function emptyFlywheel(): FlywheelDraft {
  return {
    name: "",
    beginning: "task",
    kind: "classifier",
    language: "en",
    mode: "MULTI_CLASS",
    types: [""],
    model: undefined,
    lake: "",
    roleArn: "",
    vpc: NO_VPC,
    tags: [],
  };
}

export const keptFlywheel = new KeptDraft<FlywheelDraft>();

export function flywheelProblems(draft: FlywheelDraft): Problems {
  const isNew = draft.beginning === "task";
  const network = validateVpc(draft.vpc);
  return {
    name: nameProblem(draft.name, true),
    model: isNew || draft.model !== undefined ? undefined : "Choose a model.",
    ...(isNew && draft.kind === "recognizer" && typeProblems(draft.types)),
    lake: s3UriProblem(draft.lake),
    role: roleProblem(draft.roleArn),
    vpc: network.vpc,
    subnets: network.subnets,
    groups: network.groups,
    tags: tagsProblem(draft.tags),
  };
}

/** The request of CreateFlywheel, without members that do not apply. */
export function flywheelRequest(draft: FlywheelDraft) {
  const network = vpcConfig(draft.vpc);
  return {
    FlywheelName: draft.name,
    ...(draft.beginning === "model" ? { ActiveModelArn: draft.model } : task(draft)),
    DataLakeS3Uri: draft.lake,
    DataAccessRoleArn: draft.roleArn,
    ...(network !== undefined && { DataSecurityConfig: { VpcConfig: network } }),
    ...(draft.tags.length > 0 && { Tags: draft.tags.map(({ Key, Value }) => ({ Key, Value })) }),
  };
}

function task({ kind, language, mode, types }: FlywheelDraft) {
  return {
    ModelType: kind === "classifier" ? "DOCUMENT_CLASSIFIER" : "ENTITY_RECOGNIZER",
    TaskConfig: {
      LanguageCode: language,
      ...(kind === "classifier"
        ? { DocumentClassificationConfig: { Mode: mode } }
        : { EntityRecognitionConfig: { EntityTypes: types.map((type) => ({ Type: type.trim() })) } }),
    },
  };
}
