/** The seven actions that Amazon's guide lists for a job's way through an endpoint of S3. */
const JOB_ACTIONS = [
  "s3:GetObject",
  "s3:PutObject",
  "s3:ListBucket",
  "s3:GetBucketLocation",
  "s3:DeleteObject",
  "s3:ListMultipartUploadParts",
  "s3:AbortMultipartUpload",
];

/** What lets everything pass: the policy of an endpoint that was given none. */
export const OPEN_POLICY = JSON.stringify(
  { Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal: "*", Action: "*", Resource: "*" }] },
  null,
  2,
);

/** What the service's own sessions do with a custom model: a training writes it, a job reads it. */
const MODEL_ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"];

/**
 * A policy by which only keys of the account pass, and only to these buckets.
 *
 * Without the condition, whoever gets a key of another account into the VPC could carry documents out with it. The
 * service keeps the account's custom models in a bucket of its own, and its sessions have no account that a condition
 * could name; only the folder of the account is opened to them.
 */
export function closedPolicy(account: string, buckets: readonly string[], region: string): string {
  const resources = buckets.flatMap((bucket) => [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`]);
  return JSON.stringify(
    {
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "OnlyMyAccountAndTheseBuckets",
          Effect: "Allow",
          Principal: "*",
          Action: JOB_ACTIONS,
          Resource: resources,
          Condition: { StringEquals: { "aws:PrincipalAccount": account } },
        },
        {
          Sid: "MyCustomModels",
          Effect: "Allow",
          Principal: "*",
          Action: MODEL_ACTIONS,
          Resource: `arn:aws:s3:::reading-room-models-${region}/${account}/*`,
        },
      ],
    },
    null,
    2,
  );
}
