/** The seven actions that Amazon's guide lists for a job that uses an endpoint of S3. */
const JOB_ACTIONS = [
  "s3:GetObject",
  "s3:PutObject",
  "s3:ListBucket",
  "s3:GetBucketLocation",
  "s3:DeleteObject",
  "s3:ListMultipartUploadParts",
  "s3:AbortMultipartUpload",
];

/** The policy that allows everything: that of an endpoint created without one. */
export const OPEN_POLICY = JSON.stringify(
  { Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal: "*", Action: "*", Resource: "*" }] },
  null,
  2,
);

/** The actions of the service's own sessions on a custom model: a training writes it, a job reads it. */
const MODEL_ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"];

/**
 * A policy that allows only keys of the account, and only access to these buckets.
 *
 * Without the condition, somebody with a key of another account in the VPC could copy documents out with it. The
 * service stores the account's custom models in its own bucket, and its sessions have no account that a condition
 * could name; they may use only the folder of the account.
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
