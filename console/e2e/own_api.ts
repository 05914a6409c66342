import { setConfig } from "../src/api/config";
import { callReadingRoom } from "../src/api/readingRoom";
import { signingKey } from "../src/session/signingKey";
import type { World } from "./world";

/** Call the API `reading-room` as the first administrator. */
export async function callApi<Output>(world: World, operation: string, input: object = {}): Promise<Output> {
  const { apiUrl, accessKeyId, secretAccessKey } = world.product;
  setConfig({ apiUrl, region: "us-east-1", account: "000000000001", version: "" });
  const identity = { arn: "arn:aws:iam::000000000001:user/administrator", account: "000000000001" };
  const credentials = { accessKeyId, key: await signingKey(secretAccessKey) };
  return callReadingRoom({ credentials, identity }, operation, input);
}
