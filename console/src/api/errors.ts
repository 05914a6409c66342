/** An error for people to read: AWS's code, the message, and what to do. */
export interface ReadableError {
  readonly code: string;
  readonly message: string;
  readonly advice?: string | undefined;
  readonly requestId?: string | undefined;
  /** Whether the caller lacks permission; such a request can be explained by its id. */
  readonly denied: boolean;
}

const DENIED = /^(AccessDenied|AccessDeniedException|UnauthorizedOperation|AuthorizationError)$/;

/** Our own code for an API that does not answer at all. */
export const UNREACHABLE = "UnreachableApi";

const ADVICE: Readonly<Record<string, string>> = {
  ExpiredToken: "Your sign-in has expired. Sign in again.",
  ExpiredTokenException: "Your sign-in has expired. Sign in again.",
  RequestExpired: "Set the clock of this computer: it differs from the server's by more than 15 minutes.",
  RequestTimeTooSkewed: "Set the clock of this computer: it differs from the server's by more than 15 minutes.",
  InvalidClientTokenId: "The access key is unknown or switched off. Check it, or sign in with another.",
  UnrecognizedClientException: "The access key is unknown or switched off. Check it, or sign in with another.",
  InvalidAccessKeyId: "The access key is unknown or switched off. Check it, or sign in with another.",
  SignatureDoesNotMatch: "The secret access key does not belong to the access key. Check both.",
  ThrottlingException: "Too many calls in a short time. Wait a second and try again.",
  Throttling: "Too many calls in a short time. Wait a second and try again.",
  RequestLimitExceeded: "Too many calls in a short time. Wait a second and try again.",
  DependencyViolation: "Something still uses it. Remove what depends on it first, then try again.",
  NoSuchBucket: "Check the bucket's name, or create the bucket.",
  NoSuchKey: "Check the object's key: it may have been deleted in the meantime.",
  ResourceInUseException: "Something still uses it, or another operation on it has not finished yet.",
  DeleteConflict: "First detach or delete what still belongs to it, then try again.",
  [UNREACHABLE]: "Check that the product runs: `reading-room up` prints its address.",
};

/** Describe an error that a call threw. */
export function readError(error: unknown): ReadableError {
  if (!(error instanceof Error)) return { code: "Error", message: String(error), denied: false };
  if (isUnreachable(error)) {
    return {
      code: UNREACHABLE,
      message: "The service does not answer.",
      advice: ADVICE[UNREACHABLE],
      denied: false,
    };
  }
  const denied = DENIED.test(error.name);
  const advice = ADVICE[error.name] ?? (denied ? "Ask an administrator for the permission named above." : undefined);
  return {
    code: error.name,
    message: error.message || "The service gave no reason.",
    advice,
    requestId: requestId(error),
    denied,
  };
}

/** Whether an error has one of these AWS codes. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && codes.includes(error.name);
}

/** Whether the caller lacks permission, rather than the request being wrong. */
export function isDenied(error: unknown): boolean {
  return error instanceof Error && DENIED.test(error.name);
}

/** Whether a later try cannot succeed without a change. */
export function isFinal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  return status !== undefined && status >= 400 && status < 500 && status !== 429;
}

function isUnreachable(error: Error): boolean {
  // What browsers throw if there is no answer at all, or none that this origin may read.
  return error instanceof TypeError && /fetch|network|load failed/i.test(error.message);
}

function requestId(error: Error): string | undefined {
  return (error as { $metadata?: { requestId?: string } }).$metadata?.requestId;
}
