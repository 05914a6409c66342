import type { Tag } from "../../components/tags/tags";
import { copyName, outputPlace } from "../../create/fromJob";
import { hasVpc, tagOfNetwork, VPC_TAG, type VpcValue, vpcConfig } from "../../create/parts/vpc";
import { type JobKind, modelArnOf } from "../kinds";
import type { JobProperties, StartJobRequest } from "../properties";

const SAME = [
  "InputDataConfig",
  "DataAccessRoleArn",
  "LanguageCode",
  "NumberOfTopics",
  "Mode",
  "RedactionConfig",
  "TargetEventTypes",
  "VolumeKmsKeyId",
  "VpcConfig",
] as const;

/** The request that runs a job again: everything that Describe returns about what was requested, and its tags. */
export function requestAgain(kind: JobKind, job: JobProperties, tags: readonly Tag[]): StartJobRequest {
  const model = modelArnOf(kind, job);
  const name = copyName(job.JobName);
  const same = Object.fromEntries(SAME.flatMap((member) => (job[member] === undefined ? [] : [[member, job[member]]])));
  return {
    ...(same as unknown as StartJobRequest),
    OutputDataConfig: { ...job.OutputDataConfig, S3Uri: outputPlace(job.OutputDataConfig?.S3Uri ?? "") },
    ...(name !== "" && { JobName: name }),
    // A job of a flywheel used the model that was active then; the request names the flywheel.
    ...(job.FlywheelArn !== undefined
      ? { FlywheelArn: job.FlywheelArn }
      : kind.model !== undefined && model !== undefined && { [kind.model.member]: model }),
    ...(tags.length > 0 && { Tags: tags.map(({ Key, Value }) => ({ Key, Value })) }),
  };
}

/** What the user chose in place of what does not exist any more. */
export interface Choices {
  readonly model?: { readonly arn: string; readonly language: string | undefined };
  readonly network?: VpcValue;
  readonly role?: string;
}

/** The request with what was chosen. */
export function withChoices(kind: JobKind, request: StartJobRequest, choices: Choices): StartJobRequest {
  const { model, network, role } = choices;
  let chosen = request;
  if (role !== undefined) chosen = { ...chosen, DataAccessRoleArn: role };
  if (model !== undefined && kind.model !== undefined) {
    const language = kind.languages.length > 0 ? model.language : undefined;
    const { FlywheelArn: _, ...others } = chosen;
    chosen = { ...others, [kind.model.member]: model.arn, ...(language !== undefined && { LanguageCode: language }) };
  }
  return network === undefined ? chosen : withNetwork(kind, chosen, network);
}

function withNetwork(kind: JobKind, request: StartJobRequest, network: VpcValue): StartJobRequest {
  if (kind.vpcTag) {
    const others = (request.Tags ?? []).filter(({ Key }) => Key !== VPC_TAG);
    const tagged = hasVpc(network) ? [{ Key: VPC_TAG, Value: tagOfNetwork(network) }] : [];
    return { ...request, Tags: [...others, ...tagged] };
  }
  const config = vpcConfig(network);
  return config === undefined ? request : { ...request, VpcConfig: config };
}
