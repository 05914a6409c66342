import { Sha256 } from "@aws-crypto/sha256-js";
import type { Checksum, SourceData } from "@smithy/types";

/** What Signature Version 4 puts before the secret: the first of its derived keys is an HMAC with the two together. */
const PREFIX = "AWS4";
const HMAC: HmacImportParams = { name: "HMAC", hash: "SHA-256" };

/** The class of a hash, as the signers of the AWS SDK take it: with a secret it is an HMAC. */
export type HashClass = new (secret?: SourceData) => Checksum;

/**
 * Make the key that signs requests of a secret access key.
 *
 * It can sign and nothing else: no code of this page, and no other, can read the secret out of it again. Browsers keep
 * such keys in IndexedDB as what they are. Throws where the browser has no cryptography for pages: without HTTPS, on
 * another machine than this one.
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
 * A name for a key, to be given to the AWS SDK where it wants the secret as text.
 *
 * No two keys have the same one: the SDK remembers by it what it derived of a key.
 */
export function handleOf(key: CryptoKey): string {
  const handle = handles.get(key) ?? crypto.randomUUID();
  handles.set(key, handle);
  return handle;
}

/**
 * The hash that the SDK's signers are to use with ``handleOf(key)`` as the secret.
 *
 * Where a signer takes the HMAC with "AWS4" and the secret, the browser takes it with the key. What follows in the chain
 * is good for one day, region and service, and is in memory only.
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
