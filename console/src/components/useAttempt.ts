import { useState } from "react";

export interface Attempt {
  /** Whether something is being tried. */
  readonly busy: boolean;
  /** What the last try threw. */
  readonly error: unknown;
  /** Do it; what it throws becomes ``error``, and it can be tried again. */
  readonly attempt: (act: () => Promise<void>) => Promise<void>;
}

/** The state of a form that is sent: busy until it is done or failed, with what it failed with. */
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
