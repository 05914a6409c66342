import { useQueryClient } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { useNavigate } from "react-router";
import { useComprehend } from "../../api/comprehend";
import { useReadingRoom } from "../../api/readingRoom";
import { useNotices } from "../../components/Notifications";
import { startJob } from "../calls";
import type { ListedJob } from "../hooks";
import { jobPath } from "../kinds";
import type { StartJobRequest } from "../properties";
import { type Prepared, prepare } from "./prepare";

// Its fields are a large part of a form, and most jobs need none of them.
const RunAgainModal = lazy(() => import("./RunAgainModal"));

export interface RunAgain {
  /** The id of the job that is being prepared. */
  readonly busy: string | undefined;
  /** Run a job again, at once if it would succeed as it was. Otherwise the dialog asks for what must be new. */
  readonly run: (listed: ListedJob) => void;
  readonly dialog: ReactNode;
}

/** Running an ended job again with one click. */
export function useRunAgain(): RunAgain {
  const client = useComprehend();
  const call = useReadingRoom();
  const queries = useQueryClient();
  const notices = useNotices();
  const navigate = useNavigate();
  const [busy, setBusy] = useState<string>();
  const [asking, setAsking] = useState<Prepared>();
  const send = async ({ kind, token }: Prepared, request: StartJobRequest): Promise<void> => {
    const id = await startJob(client, kind, request, token);
    await queries.invalidateQueries({ queryKey: ["comprehend"] });
    notices.success(`The job runs again as ${request.JobName ?? id}.`);
    navigate(jobPath(kind, id));
  };
  const run = ({ kind, job: { JobId = "" } }: ListedJob): void => {
    if (busy !== undefined) return;
    setBusy(JobId);
    prepare(client, call, kind, JobId)
      .then((prepared) => (prepared.problems.length > 0 ? setAsking(prepared) : send(prepared, prepared.request)))
      .catch((error: unknown) => notices.failure("The job cannot be run again", error))
      .finally(() => setBusy(undefined));
  };
  const dialog = asking && (
    <Suspense>
      <RunAgainModal
        prepared={asking}
        onSend={(request) => send(asking, request)}
        onDismiss={() => setAsking(undefined)}
      />
    </Suspense>
  );
  return { busy, run, dialog };
}
