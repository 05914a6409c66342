import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { clientOf } from "./clients";

export const { use: useLogs, of: logsOf } = clientOf((settings) => new CloudWatchLogsClient(settings));
