import { useState } from "react";

export interface Attempt {
  /** Whether something is being tried. */
  readonly busy: boolean;
  /** What the last try threw. */
  readonly error: unknown;
  /** Run the action. What it throws becomes ``error``, and it can be tried again. */
  readonly attempt: (act: () => Promise<void>) => Promise<void>;
}

/** The state of a form being sent: busy until the call succeeds or fails, with the error if it fails. */
export function useAttempt(): Attempt {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const attempt = async (act: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await act();
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, attempt };
}
