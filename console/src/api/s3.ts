import { S3Client } from "@aws-sdk/client-s3";
import { clientOf } from "./clients";

export const { use: useS3, of: s3Of } = clientOf((settings) => new S3Client({ ...settings, forcePathStyle: true }));
