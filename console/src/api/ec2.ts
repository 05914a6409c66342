import { EC2Client } from "@aws-sdk/client-ec2";
import { clientOf } from "./clients";

export const { use: useEc2, of: ec2Of } = clientOf((settings) => new EC2Client(settings));
