import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useComprehend } from "../api/comprehend";
import { tagsOf } from "../jobs/again/prepare";
import { describeJob, startJob } from "../jobs/calls";
import { kindOf } from "../jobs/kinds";
import type { StartJobRequest } from "../jobs/properties";
import type { AnalysisType } from "./analysisTypes";
import type { Draft } from "./draft";
import { draftFromJob } from "./fromJob";

/** Start the job, and return its id. */
export function useStartJob() {
  const client = useComprehend();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async ({ type, request, token }: { type: AnalysisType; request: object; token: string }) => {
      // The form was checked against the operation's members; the table of kinds has one type for all operations.
      return startJob(client, type.kind, request as StartJobRequest, token);
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ["comprehend"] }),
  });
}

export interface Copied {
  readonly draft: Draft;
  /** Whether the tags could not be read, because the caller lacks permission. */
  readonly withoutTags: boolean;
}

/** The form with the values of an existing job. */
export function useCopiedJob(copied: { readonly slug: string; readonly id: string } | undefined) {
  const client = useComprehend();
  return useQuery({
    queryKey: ["comprehend", "Describe", "copy", copied?.slug, copied?.id],
    enabled: copied !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async (): Promise<Copied> => {
      const kind = kindOf(copied?.slug);
      if (kind === undefined || copied === undefined) {
        throw new Error(`There is no kind of job ${JSON.stringify(copied?.slug)}. Copy a job from its own page.`);
      }
      const job = await describeJob(client, kind, copied.id);
      const tags = await tagsOf(client, job.JobArn ?? "");
      return { draft: draftFromJob(kind, job, tags ?? []), withoutTags: tags === undefined };
    },
  });
}
