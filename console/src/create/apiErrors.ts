import { readError } from "../api/errors";
import type { Errors, Field } from "./validate";

// The members of the request as messages name them, longer names before the shorter ones that they contain. The API
// writes them as InputDataConfig.S3Uri in its own errors, and as inputDataConfig.s3Uri in those of the model.
const MEMBERS: readonly (readonly [RegExp, Field])[] = [
  [/outputDataConfig\.kmsKeyId/i, "outputKey"],
  [/volumeKmsKeyId/i, "volumeKey"],
  [/inputDataConfig\.inputFormat/i, "inputFormat"],
  [/inputDataConfig/i, "input"],
  [/outputDataConfig/i, "output"],
  [/dataAccessRoleArn|iam:PassRole|INVALID_ROLE/i, "role"],
  [/VpcConfig\.subnets|SUBNET/i, "subnets"],
  [/VpcConfig\.securityGroupIds|SECURITY_GROUP/i, "groups"],
  [/vpcConfig/i, "vpc"],
  [/languageCode|UNSUPPORTED_LANGUAGE/i, "language"],
  [/numberOfTopics/i, "topics"],
  [/documentClassifierArn|entityRecognizerArn|flywheelArn|RESOURCE_NOT_FOUND|RESOURCE_UNAVAILABLE/i, "model"],
  [/jobName/i, "name"],
  [/\btags?\b|INVALID_TAG|TOO_MANY_TAGS/i, "tags"],
];

/** The field that an error of the API is about, with its message; undefined if it names none. */
export function fieldOfError(error: unknown): Errors | undefined {
  const { message } = readError(error);
  const found = MEMBERS.find(([pattern]) => pattern.test(message));
  return found === undefined ? undefined : { [found[1]]: message };
}
