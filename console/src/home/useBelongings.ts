import { useMemo } from "react";
import { useEndpoints } from "../endpoints/queries";
import { useJobs } from "../jobs/hooks";
import { useModels } from "../models/queries";
import type { Belongings } from "./activity";

/** A list that cannot be read. */
export interface Unlisted {
  /** Its plural noun in the middle of a sentence. */
  readonly what: string;
  readonly error: unknown;
}

export interface BelongingsView extends Belongings {
  readonly loading: boolean;
  readonly unlisted: readonly Unlisted[];
  readonly reload: () => void;
}

/** The jobs, models and endpoints of the account, kept up to date as on their own pages. */
export function useBelongings(): BelongingsView {
  const { jobs, errors, loading, reload } = useJobs();
  const classifiers = useModels("classifier");
  const recognizers = useModels("recognizer");
  const endpoints = useEndpoints();
  const models = useMemo(
    () =>
      classifiers.data === undefined && recognizers.data === undefined
        ? undefined
        : [...(classifiers.data ?? []), ...(recognizers.data ?? [])],
    [classifiers.data, recognizers.data],
  );
  const others = [
    { what: "classifiers", query: classifiers },
    { what: "entity recognizers", query: recognizers },
    { what: "model endpoints", query: endpoints },
  ];
  return {
    jobs,
    models,
    endpoints: endpoints.data,
    loading: loading || others.some(({ query }) => query.isPending),
    unlisted: [
      ...errors.map(({ kind, error }) => ({ what: `jobs of the type ${kind.label}`, error })),
      ...others.flatMap(({ what, query: { error } }) => (error === null ? [] : [{ what, error }])),
    ],
    reload: () => {
      reload();
      for (const { query } of others) void query.refetch();
    },
  };
}
