import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import { expect, test } from "vitest";
import { handleOf, signingHash, signingKey } from "../../src/session/signingKey";

const request = {
  method: "POST",
  protocol: "http:",
  hostname: "127.0.0.1",
  path: "/",
  query: {},
  headers: { host: "127.0.0.1", "content-type": "text/plain" },
  body: "a body",
};

function signer(
  secretAccessKey: string,
  sha256: typeof Sha256 | ReturnType<typeof signingHash>,
  sessionToken?: string,
) {
  const credentials = { accessKeyId: "AKIA", secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
  return new SignatureV4({ service: "s3", region: "us-east-1", credentials, sha256 });
}

test.each(["secret", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "ä", ""])(
  "a request is signed as with the secret %j itself",
  async (secret) => {
    const key = await signingKey(secret);
    const at = { signingDate: new Date("2026-11-29T12:00:00Z") };
    for (const token of [undefined, "token"]) {
      const ours = await signer(handleOf(key), signingHash(key), token).sign(request, at);
      expect(ours.headers).toEqual((await signer(secret, Sha256, token).sign(request, at)).headers);
    }
  },
);

test("the secret cannot be read from the key, and the SDK never gets it", async () => {
  const key = await signingKey("very-secret");
  expect(key.extractable).toBe(false);
  expect(key.usages).toEqual(["sign"]);
  await expect(crypto.subtle.exportKey("raw", key)).rejects.toThrow();
  await expect(crypto.subtle.exportKey("jwk", key)).rejects.toThrow();
  expect(handleOf(key)).not.toContain("very-secret");
});

test("two keys with the same access key id share nothing in the SDK's cache", async () => {
  const [wrong, right] = [await signingKey("wrong"), await signingKey("right")];
  const at = { signingDate: new Date("2026-11-29T12:00:00Z") };
  const first = await signer(handleOf(wrong), signingHash(wrong)).sign(request, at);
  const second = await signer(handleOf(right), signingHash(right)).sign(request, at);
  expect(first.headers["authorization"]).not.toBe(second.headers["authorization"]);
  expect(handleOf(wrong)).not.toBe(handleOf(right));
  expect(handleOf(right)).toBe(handleOf(right));
});
