import { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import { ComprehendClient } from "@aws-sdk/client-comprehend";
import { EC2Client } from "@aws-sdk/client-ec2";
import { IAMClient } from "@aws-sdk/client-iam";
import { S3Client } from "@aws-sdk/client-s3";

/** An access key of the account. */
export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The product under test; the keys are the first administrator's. */
export interface Product extends Keys {
  readonly apiUrl: string;
  readonly consoleUrl: string;
  /** The ids of jobs that were completed before the tests began. */
  readonly jobs: Readonly<Record<SeededKind, string>>;
}

export type SeededKind = "entities" | "sentiment" | "topics";

/** The product of this run, and the AWS SDK's clients for it. */
export class World {
  readonly product: Product;

  constructor(product: Product) {
    this.product = product;
  }

  /** The product that was started for the run. */
  static ofRun(): World {
    const product = process.env["READING_ROOM_E2E"];
    if (product === undefined) throw new Error("no product was started: READING_ROOM_E2E is not set");
    return new World(JSON.parse(product) as Product);
  }

  /** The same product with another key. */
  as(keys: Keys): World {
    return new World({ ...this.product, ...keys });
  }

  get settings() {
    const { apiUrl, accessKeyId, secretAccessKey } = this.product;
    return { endpoint: apiUrl, region: "us-east-1", credentials: { accessKeyId, secretAccessKey } };
  }

  readonly cloudTrail = (): CloudTrailClient => new CloudTrailClient(this.settings);
  readonly comprehend = (): ComprehendClient => new ComprehendClient(this.settings);
  readonly ec2 = (): EC2Client => new EC2Client(this.settings);
  readonly iam = (): IAMClient => new IAMClient(this.settings);
  readonly s3 = (): S3Client => new S3Client({ ...this.settings, forcePathStyle: true });
}
