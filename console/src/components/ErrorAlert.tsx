import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import { readError } from "../api/errors";
import { RouterLink } from "./RouterLink";

interface Props {
  readonly error: unknown;
  /** What was tried, as a sentence's start: "The jobs cannot be listed". */
  readonly what: string;
  readonly onRetry?: (() => void) | undefined;
}

/** An error of the API: its code, its text, and what to do. A denied request leads to its explanation. */
export function ErrorAlert({ error, what, onRetry }: Props) {
  const { code, message, advice, requestId, denied } = readError(error);
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
