import { accessPolicy } from "../../create/parts/rolePolicy";

/** The text that a new policy of each kind starts with, as an example of its form. */

const text = (document: object): string => JSON.stringify(document, null, 2);

export const BLANK_POLICY = text({
  Version: "2012-10-17",
  Statement: [{ Sid: "ReadPapers", Effect: "Allow", Action: ["s3:GetObject"], Resource: "arn:aws:s3:::papers/*" }],
});

/** Users of an account may assume the role if their own policies allow it. */
export function accountTrust(account: string): string {
  return text({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: "sts:AssumeRole" }],
  });
}

/** What a data access role needs: to read and list the documents, to write the results, and to run in a VPC. */
export function dataAccessPolicy(input: string, output: string, inVpc: boolean): string {
  const access = { inputs: [`s3://${input}/`], outputs: [`s3://${output}/`], network: inVpc };
  return text(accessPolicy(access, "buckets"));
}

/** Only requests of this account's own principals may use a bucket. */
export function bucketPolicy(bucket: string, account: string): string {
  return text({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "OwnAccountReads",
        Effect: "Allow",
        Principal: { AWS: `arn:aws:iam::${account}:root` },
        Action: ["s3:GetObject", "s3:ListBucket"],
        Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
      },
    ],
  });
}
