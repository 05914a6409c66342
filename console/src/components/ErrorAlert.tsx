import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import { readError, UNREACHABLE } from "../api/errors";
import { RouterLink } from "./RouterLink";
import { useWaiting } from "./unreachable";

interface Props {
  readonly error: unknown;
  /** What was tried, as a sentence's start: "The jobs cannot be listed". */
  readonly what: string;
  readonly onRetry?: (() => void) | undefined;
  /** Whether it is said here even where the API is gone, as in a dialog that covers the page. */
  readonly here?: boolean;
}

/**
 * An error of the API: its code, its text, and what to do. A denied request leads to its explanation.
 *
 * That the API does not answer is said once for the whole page, in the frame around it.
 */
export function ErrorAlert({ error, what, onRetry, here = false }: Props) {
  const { code, message, advice, requestId, denied } = readError(error);
  const elsewhere = code === UNREACHABLE && !here;
  useWaiting(elsewhere, onRetry);
  if (elsewhere) return null;
  return (
    <Alert
      type="error"
      header={`${what}: ${code}`}
      action={onRetry && <Button onClick={onRetry}>Try again</Button>}
      data-testid="error"
    >
      {message} {advice}
      {requestId !== undefined && (
        <div>
          Request id: {requestId}{" "}
          {denied && <RouterLink to={`/access/explain/${requestId}`}>Why was it denied?</RouterLink>}
        </div>
      )}
    </Alert>
  );
}
