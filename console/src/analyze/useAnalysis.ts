import { useQuery } from "@tanstack/react-query";
import { useComprehend } from "../api/comprehend";
import { getConfig } from "../api/config";
import { detect, detectRequest, type Timed } from "./calls";
import { type Answer, dominantLanguage } from "./findings";
import { type Kind, kindOf } from "./kinds";

/** A submitted text and its language; ``undefined`` to detect the language. */
export interface Submitted {
  readonly text: string;
  readonly language: string | undefined;
  /** Counts the presses of the button, so that each makes its own calls. */
  readonly run: number;
}

/** The answer of one operation for a submitted text. */
export function useDetect(kind: Kind, submitted: Submitted, language: string | undefined, enabled: boolean) {
  const client = useComprehend();
  const request = detectRequest(kind, submitted.text, language, getConfig().region);
  const query = useQuery<Timed<Answer>>({
    queryKey: ["comprehend", kind.detect, submitted.run, request],
    queryFn: ({ signal }) => detect(client, kind, request, signal),
    enabled,
    // The answer for a text does not go stale.
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  });
  return { ...query, request };
}

/** The language of a text, which is detected if none was chosen. */
export function useLanguage(submitted: Submitted, wanted: boolean) {
  const ask = wanted && submitted.language === undefined;
  const query = useDetect(kindOf("dominant-language"), submitted, undefined, ask);
  const found = ask && query.data !== undefined ? dominantLanguage(query.data.value) : undefined;
  return {
    language: submitted.language ?? found?.code,
    detected: found,
    error: ask ? query.error : null,
    none: ask && query.data !== undefined && found === undefined,
    retry: query.refetch,
  };
}
