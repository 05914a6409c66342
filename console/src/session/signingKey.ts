import { Sha256 } from "@aws-crypto/sha256-js";
import type { Checksum, SourceData } from "@smithy/types";

/** The prefix of the secret in Signature Version 4: the first derived key is an HMAC with both together. */
const PREFIX = "AWS4";
const HMAC: HmacImportParams = { name: "HMAC", hash: "SHA-256" };

/** The class of a hash for the signers of the AWS SDK: with a secret it is an HMAC. */
export type HashClass = new (secret?: SourceData) => Checksum;

/**
 * Return the signing key for a secret access key.
 *
 * It can only sign: no code, of this page or any other, can read the secret from it. Browsers can store
 * such keys in IndexedDB as they are. Throws if the browser offers the page no cryptography: without HTTPS, on
 * a machine other than this one.
 */
export async function signingKey(secretAccessKey: string): Promise<CryptoKey> {
  if (globalThis.crypto?.subtle === undefined) {
    throw new Error("This browser signs requests only over HTTPS, or on the machine that runs the product.");
  }
  const bytes = new TextEncoder().encode(PREFIX + secretAccessKey);
  try {
    return await crypto.subtle.importKey("raw", bytes, HMAC, false, ["sign"]);
  } finally {
    bytes.fill(0);
  }
}

const handles = new WeakMap<CryptoKey, string>();

/**
 * A name for a key, for the AWS SDK where it expects the secret as text.
 *
 * Names are unique, because the SDK caches derived keys by them.
 */
export function handleOf(key: CryptoKey): string {
  const handle = handles.get(key) ?? crypto.randomUUID();
  handles.set(key, handle);
  return handle;
}

/**
 * The hash for the SDK's signers, with ``handleOf(key)`` as the secret.
 *
 * Where a signer computes the HMAC with "AWS4" and the secret, the browser computes it with the key. The derived keys
 * are valid for one day, region and service, and are only in memory.
 */
export function signingHash(key: CryptoKey): HashClass {
  const first = PREFIX + handleOf(key);
  return class SigningHash implements Checksum {
    readonly #plain: Sha256 | undefined;
    #parts: Uint8Array[] = [];

    constructor(secret?: SourceData) {
      if (secret !== first) this.#plain = new Sha256(secret);
    }

    update(data: Uint8Array): void {
      if (this.#plain === undefined) this.#parts.push(data);
      else this.#plain.update(data);
    }

    async digest(): Promise<Uint8Array> {
      if (this.#plain !== undefined) return this.#plain.digest();
      const data = new Uint8Array(await new Blob(this.#parts.map((part) => part.slice())).arrayBuffer());
      return new Uint8Array(await crypto.subtle.sign("HMAC", key, data));
    }

    reset(): void {
      this.#plain?.reset();
      this.#parts = [];
    }
  };
}
