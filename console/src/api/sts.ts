import { STSClient } from "@aws-sdk/client-sts";
import { clientOf } from "./clients";

export const { use: useSts, of: stsOf } = clientOf((settings) => new STSClient(settings));
