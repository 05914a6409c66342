import type { Tag } from "../components/tags/tags";
import { type JobKind, modelArnOf } from "../jobs/kinds";
import type { JobProperties } from "../jobs/properties";
import { type Draft, EMPTY_DRAFT } from "./draft";
import { fromKey } from "./parts/encryption";
import { fromVpcConfig, networkOfTag, VPC_TAG } from "./parts/vpc";
import { redactionOf } from "./redaction";

const NAME_LENGTH = 256;
// Describe returns the archive's location; Start needs the location in which the job's folder was created.
const OWN_FOLDER = /\/?[0-9]{12}-[A-Z]+-[0-9a-f]+\/output\/(output\.tar\.gz)?$/;

/** The form as it was for a job: everything that the API returns. */
export function draftFromJob(kind: JobKind, job: JobProperties, tags: readonly Tag[]): Draft {
  const model = modelArnOf(kind, job);
  const tagged = kind.vpcTag ? tags.find(({ Key }) => Key === VPC_TAG)?.Value : undefined;
  const others = kind.vpcTag ? tags.filter(({ Key }) => Key !== VPC_TAG) : tags;
  return {
    name: copyName(job.JobName),
    type: model !== undefined && kind.model !== undefined ? kind.model.analysis : kind.slug,
    language: job.LanguageCode ?? EMPTY_DRAFT.language,
    topics: String(job.NumberOfTopics ?? EMPTY_DRAFT.topics),
    modelArn: model ?? "",
    volumeKey: fromKey(job.VolumeKmsKeyId),
    input: job.InputDataConfig?.S3Uri ?? "",
    lookedAt: job.InputDataConfig?.S3Uri ?? "",
    inputFormat: job.InputDataConfig?.InputFormat ?? EMPTY_DRAFT.inputFormat,
    output: outputPlace(job.OutputDataConfig?.S3Uri ?? ""),
    outputKey: fromKey(job.OutputDataConfig?.KmsKeyId),
    roleArn: job.DataAccessRoleArn ?? "",
    vpc: fromVpcConfig(job.VpcConfig ?? networkOfTag(tagged)),
    redaction: redactionOf(job),
    eventTypes: kind.eventTypes?.length === job.TargetEventTypes?.length ? [] : (job.TargetEventTypes ?? []),
    tags: others.map(({ Key, Value }) => ({ Key, Value })),
  };
}

/** The requested output location, derived from where the job wrote. */
export function outputPlace(uri: string): string {
  const place = uri.replace(OWN_FOLDER, "");
  return place === uri ? uri : `${place}/`;
}

/** "speeches", "speeches-copy", "speeches-copy-2": names need not be unique, but people distinguish jobs by them. */
export function copyName(name: string | undefined): string {
  if (name === undefined || name === "") return "";
  const match = /^(.*)-copy(?:-([0-9]+))?$/s.exec(name);
  const copy = match === null ? `${name}-copy` : `${match[1]}-copy-${Number(match[2] ?? 1) + 1}`;
  return copy.length > NAME_LENGTH ? name : copy;
}
