import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { S3Client } from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { cancelTransfers, clearTransfers, transfers } from "../../src/s3/transfer/store";
import { upload } from "../../src/s3/transfer/transfer";

const MIB = 1024 * 1024;

let server: Server;
let s3: S3Client;
/** The requests to the server, such as "PUT cut", in order. */
let asked: string[];

/** A server that starts and ends uploads in parts, and never answers a PUT. */
beforeEach(async () => {
  const seen: string[] = [];
  asked = seen;
  server = createServer((request, response) => {
    const { method = "", url = "" } = request;
    request.resume();
    if (method === "PUT") {
      seen.push("PUT");
      response.once("close", () => seen.push("PUT cut"));
      return;
    }
    seen.push(method);
    response.setHeader("content-type", "application/xml");
    const begun = "<InitiateMultipartUploadResult><UploadId>one</UploadId></InitiateMultipartUploadResult>";
    response.statusCode = method === "DELETE" ? 204 : 200;
    response.end(url.includes("uploads") ? begun : "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  s3 = new S3Client({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: "us-east-1",
    credentials: { accessKeyId: "AKIA", secretAccessKey: "secret" },
    forcePathStyle: true,
    maxAttempts: 1,
  });
});

afterEach(async () => {
  s3.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  clearTransfers();
});

describe("a cancelled upload", () => {
  it("ends the pending request", async () => {
    upload(s3, "papers", { file: new File(["text"], "a.txt"), key: "a.txt" }, false, () => undefined);
    await vi.waitFor(() => expect(asked).toEqual(["PUT"]));
    cancelTransfers();
    await vi.waitFor(() => expect(asked).toEqual(["PUT", "PUT cut"]));
    await vi.waitFor(() => expect(transfers()[0]?.state).toBe("cancelled"));
  });

  it("ends its parts, and removes those that had arrived", async () => {
    const file = new File([new Uint8Array(20 * MIB)], "large.bin");
    upload(s3, "papers", { file, key: "large.bin" }, false, () => undefined);
    await vi.waitFor(() => expect(asked).toEqual(["POST", "PUT", "PUT"]));
    cancelTransfers();
    // A closed connection may be noticed after the next request.
    await vi.waitFor(() => expect(asked.toSorted()).toEqual(["DELETE", "POST", "PUT", "PUT", "PUT cut", "PUT cut"]));
    await vi.waitFor(() => expect(transfers()[0]?.state).toBe("cancelled"));
  });
});
