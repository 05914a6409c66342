import type { AnalysisType } from "./analysisTypes";
import type { Draft } from "./draft";
import type { Json } from "./parts/code";
import { keyOf } from "./parts/encryption";
import { hasVpc, tagOfNetwork, VPC_TAG, vpcConfig } from "./parts/vpc";
import { redactionMembers } from "./redaction";

/** The request of the Start operation for a draft, without empty values. */
export function buildRequest(draft: Draft, type: AnalysisType): { readonly [member: string]: Json | undefined } {
  const outputKey = keyOf(draft.outputKey);
  const volumeKey = keyOf(draft.volumeKey);
  const { vpcTag = false, redacts = false, eventTypes } = type.kind;
  const network = vpcTag ? undefined : vpcConfig(draft.vpc);
  const tags = [
    ...draft.tags,
    ...(vpcTag && hasVpc(draft.vpc) ? [{ Key: VPC_TAG, Value: tagOfNetwork(draft.vpc) }] : []),
  ];
  return {
    ...(draft.name !== "" && { JobName: draft.name }),
    InputDataConfig: { S3Uri: draft.input, InputFormat: draft.inputFormat },
    OutputDataConfig: { S3Uri: draft.output, ...(outputKey !== undefined && { KmsKeyId: outputKey }) },
    DataAccessRoleArn: draft.roleArn,
    ...(type.languages.length > 0 && { LanguageCode: draft.language }),
    ...(type.hasTopics && { NumberOfTopics: Number(draft.topics) }),
    ...(type.model === "classifier" && { DocumentClassifierArn: draft.modelArn }),
    ...(type.model === "recognizer" && { EntityRecognizerArn: draft.modelArn }),
    ...(redacts && redactionMembers(draft.redaction)),
    ...(eventTypes && { TargetEventTypes: [...(draft.eventTypes.length > 0 ? draft.eventTypes : eventTypes)] }),
    ...(volumeKey !== undefined && !vpcTag && { VolumeKmsKeyId: volumeKey }),
    ...(network !== undefined && { VpcConfig: network }),
    ...(tags.length > 0 && { Tags: tags.map(({ Key, Value }) => ({ Key, Value })) }),
  };
}
