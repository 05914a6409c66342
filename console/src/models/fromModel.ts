import type { AugmentedManifestsListItem } from "@aws-sdk/client-comprehend";
import { copyName, outputPlace } from "../create/fromJob";
import { fromKey } from "../create/parts/encryption";
import { fromVpcConfig } from "../create/parts/vpc";
import { type ClassifierDraft, emptyClassifier } from "./classifierDraft";
import type { Model } from "./model";
import { emptyRecognizer, type RecognizerDraft } from "./recognizerDraft";
import { type Manifest, newManifest, type TrainingDraft } from "./training";

const NAME_LENGTH = 63;

/** The form as it was for a classifier, whatever the outcome of its training. */
export function classifierDraftOf(model: Model): ClassifierDraft {
  const properties = model.classifier ?? {};
  const { InputDataConfig: input = {}, OutputDataConfig: output, Mode } = properties;
  const empty = emptyClassifier();
  return {
    ...empty,
    ...common(model, properties, input.DataFormat, input.AugmentedManifests),
    mode: Mode ?? empty.mode,
    delimiter: input.LabelDelimiter ?? empty.delimiter,
    training: input.S3Uri ?? "",
    ownTest: input.TestS3Uri !== undefined,
    test: input.TestS3Uri ?? "",
    output: outputPlace(output?.S3Uri ?? ""),
    outputKey: fromKey(output?.KmsKeyId),
  };
}

/** The form as it was for a recognizer. */
export function recognizerDraftOf(model: Model): RecognizerDraft {
  const properties = model.recognizer ?? {};
  const input = properties.InputDataConfig;
  const empty = emptyRecognizer();
  return {
    ...empty,
    ...common(model, properties, input?.DataFormat, input?.AugmentedManifests),
    types: input?.EntityTypes?.map(({ Type = "" }) => Type) ?? empty.types,
    labels: input?.EntityList === undefined ? "annotations" : "list",
    documents: input?.Documents?.S3Uri ?? "",
    inputFormat: input?.Documents?.InputFormat ?? empty.inputFormat,
    annotations: input?.Annotations?.S3Uri ?? "",
    list: input?.EntityList?.S3Uri ?? "",
    ownTest: input?.Documents?.TestS3Uri !== undefined,
    testDocuments: input?.Documents?.TestS3Uri ?? "",
    testAnnotations: input?.Annotations?.TestS3Uri ?? "",
  };
}

interface Properties {
  readonly ModelKmsKeyId?: string | undefined;
  readonly VolumeKmsKeyId?: string | undefined;
}

function common(
  { name, version, language, role, subnets, groups }: Model,
  { ModelKmsKeyId, VolumeKmsKeyId }: Properties,
  format: TrainingDraft["dataFormat"] | undefined,
  manifests: readonly AugmentedManifestsListItem[] | undefined,
): Partial<TrainingDraft> {
  // A name, or a name with a version, can be used only once, even if its training failed.
  const copy = copyName(version ?? name).slice(0, NAME_LENGTH);
  return {
    ...(version === undefined ? { name: copy } : { name, version: copy }),
    ...(language !== undefined && { language }),
    ...(format !== undefined && { dataFormat: format }),
    ...(manifests !== undefined && manifests.length > 0 && { manifests: manifests.map(manifestOf) }),
    modelKey: fromKey(ModelKmsKeyId),
    volumeKey: fromKey(VolumeKmsKeyId),
    roleArn: role ?? "",
    vpc: fromVpcConfig(subnets.length === 0 ? undefined : { Subnets: [...subnets], SecurityGroupIds: [...groups] }),
  };
}

function manifestOf({ S3Uri = "", Split, AttributeNames = [] }: AugmentedManifestsListItem): Manifest {
  return { ...newManifest(), uri: S3Uri, split: Split ?? "TRAIN", attributes: AttributeNames.join(", ") };
}
