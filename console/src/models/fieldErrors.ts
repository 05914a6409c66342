import { readError } from "../api/errors";
import type { Problems } from "./training";

// Members of the two Create requests as the API's messages name them, more specific ones first.
const MEMBERS: readonly (readonly [RegExp, string])[] = [
  [/outputDataConfig\.kmsKeyId/i, "outputKey"],
  [/outputDataConfig/i, "output"],
  [/volumeKmsKeyId/i, "volumeKey"],
  [/modelKmsKeyId/i, "modelKey"],
  [/documents\.testS3Uri/i, "testDocuments"],
  [/annotations\.testS3Uri/i, "testAnnotations"],
  [/inputDataConfig\.documents/i, "documents"],
  [/inputDataConfig\.annotations/i, "annotations"],
  [/inputDataConfig\.entityList/i, "list"],
  [/inputDataConfig\.entityTypes/i, "types"],
  [/inputDataConfig\.testS3Uri/i, "test"],
  [/inputDataConfig\.s3Uri/i, "training"],
  [/augmentedManifests/i, "manifests"],
  [/dataAccessRoleArn|iam:PassRole|INVALID_ROLE/i, "role"],
  [/subnets?\b/i, "subnets"],
  [/security ?groups?(Ids)?\b/i, "groups"],
  [/modelPolicy/i, "policy"],
  [/versionName/i, "version"],
  [/MODEL_EXISTS|documentClassifierName|recognizerName/i, "name"],
  [/\btags?\b|INVALID_TAG|TOO_MANY_TAGS/i, "tags"],
];

/** The field that an error of a Create operation is about, with the error's message; undefined if it names none. */
export function fieldProblem(error: unknown): Problems {
  if (error === null || error === undefined) return {};
  const { message } = readError(error);
  const found = MEMBERS.find(([pattern]) => pattern.test(message));
  return found === undefined ? {} : { [found[1]]: message };
}
