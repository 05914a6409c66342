import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import { readError, UNREACHABLE } from "../api/errors";
import { RouterLink } from "./RouterLink";
import { useWaiting } from "./unreachable";

interface Props {
  readonly error: unknown;
  /** What failed, as the start of a sentence: "The jobs cannot be listed". */
  readonly what: string;
  readonly onRetry?: (() => void) | undefined;
  /** Whether an unreachable API is reported here too, as in a dialog that covers the page. */
  readonly here?: boolean;
}

/**
 * An error of the API: its code, its message, and what to do. A denied request has a link to its explanation.
 *
 * The frame says once for the whole page that the API does not answer.
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
