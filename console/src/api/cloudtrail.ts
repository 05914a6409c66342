import { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import { clientOf } from "./clients";

export const { use: useCloudTrail, of: cloudTrailOf } = clientOf((settings) => new CloudTrailClient(settings));
