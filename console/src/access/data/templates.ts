/** The lines that a new policy of each kind begins with. Whoever writes the first one sees the form of all. */

const text = (document: object): string => JSON.stringify(document, null, 2);

export const BLANK_POLICY = text({
  Version: "2012-10-17",
  Statement: [{ Sid: "ReadPapers", Effect: "Allow", Action: ["s3:GetObject"], Resource: "arn:aws:s3:::papers/*" }],
});

/** Comprehend may assume the role, and only for jobs and models of this account. */
export function comprehendTrust(account: string): string {
  return text({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Service: "comprehend.amazonaws.com" },
        Action: "sts:AssumeRole",
        Condition: { StringEquals: { "aws:SourceAccount": account } },
      },
    ],
  });
}

/** Flow logs may be written with the role. */
export function flowLogsTrust(account: string): string {
  return text({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Service: "vpc-flow-logs.amazonaws.com" },
        Action: "sts:AssumeRole",
        Condition: { StringEquals: { "aws:SourceAccount": account } },
      },
    ],
  });
}

/** Users of an account may assume the role, as far as their own policies allow it. */
export function accountTrust(account: string): string {
  return text({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: "sts:AssumeRole" }],
  });
}

const NETWORK_ACTIONS = [
  "ec2:CreateNetworkInterface",
  "ec2:CreateNetworkInterfacePermission",
  "ec2:DeleteNetworkInterface",
  "ec2:DeleteNetworkInterfacePermission",
  "ec2:DescribeNetworkInterfaces",
  "ec2:DescribeVpcs",
  "ec2:DescribeDhcpOptions",
  "ec2:DescribeSubnets",
  "ec2:DescribeSecurityGroups",
];

/** What a data access role needs: to list and read where the documents are, to write where results go, and a job in a VPC. */
export function dataAccessPolicy(input: string, output: string, inVpc: boolean): string {
  const buckets = [...new Set([input, output])];
  return text({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "ListBuckets",
        Effect: "Allow",
        Action: "s3:ListBucket",
        Resource: buckets.map((each) => `arn:aws:s3:::${each}`),
      },
      { Sid: "ReadDocuments", Effect: "Allow", Action: "s3:GetObject", Resource: `arn:aws:s3:::${input}/*` },
      { Sid: "WriteResults", Effect: "Allow", Action: "s3:PutObject", Resource: `arn:aws:s3:::${output}/*` },
      ...(inVpc ? [{ Sid: "UseNetwork", Effect: "Allow", Action: NETWORK_ACTIONS, Resource: "*" }] : []),
    ],
  });
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
