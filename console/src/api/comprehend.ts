import { ComprehendClient } from "@aws-sdk/client-comprehend";
import { clientOf } from "./clients";

export const { use: useComprehend, of: comprehendOf } = clientOf((settings) => new ComprehendClient(settings));
