import { IAMClient } from "@aws-sdk/client-iam";
import { clientOf } from "./clients";

export const { use: useIam, of: iamOf } = clientOf((settings) => new IAMClient(settings));
