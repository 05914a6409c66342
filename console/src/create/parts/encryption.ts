/** A key for encryption; ``keyId`` is used only if encryption is on. */
export interface EncryptionValue {
  readonly on: boolean;
  readonly keyId: string;
}

export const NOT_ENCRYPTED: EncryptionValue = { on: false, keyId: "" };
const KEY_LENGTH = 2048;

export function keyProblem({ on, keyId }: EncryptionValue): string | undefined {
  if (!on) return undefined;
  if (keyId === "") return "Enter the id or the ARN of a key, or turn encryption off.";
  if (keyId.length > KEY_LENGTH) return `Shorten it: a key's id or ARN has at most ${KEY_LENGTH} characters.`;
  return /^\p{ASCII}+$/u.test(keyId) ? undefined : "Use ASCII characters only.";
}

/** The member of the request: the key, or undefined. */
export function keyOf({ on, keyId }: EncryptionValue): string | undefined {
  return on ? keyId : undefined;
}

export function fromKey(keyId: string | undefined): EncryptionValue {
  return { on: keyId !== undefined, keyId: keyId ?? "" };
}
