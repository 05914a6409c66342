import { useState } from "react";
import { isPolicyError, type PolicyProblem, problemsOf, syntaxProblem } from "./problems";

export interface PolicyText {
  readonly text: string;
  readonly setText: (text: string) => void;
  readonly problems: readonly PolicyProblem[];
  /** Whether the text is JSON, so that it can be sent. */
  readonly sendable: boolean;
  /** Send the text, and mark the problems that the service finds. Throws what the call throws. */
  readonly send: <Answer>(call: (text: string) => Promise<Answer>) => Promise<Answer>;
}

/** A policy that is being edited, with the problems that the service found when it was last sent. */
export function usePolicyText(initial: string): PolicyText {
  const [text, set] = useState(initial);
  const [problems, setProblems] = useState<readonly PolicyProblem[]>([]);
  return {
    text,
    problems,
    sendable: syntaxProblem(text) === undefined,
    setText: (next) => {
      set(next);
      setProblems([]);
    },
    send: async (call) => {
      setProblems([]);
      try {
        return await call(text);
      } catch (error) {
        if (isPolicyError(error)) setProblems(problemsOf(error, text));
        throw error;
      }
    },
  };
}
