import Box from "@cloudscape-design/components/box";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useComprehend } from "../api/comprehend";
import { readError } from "../api/errors";
import { ConfirmModal } from "../components/ConfirmModal";
import { counted } from "../components/format";
import { useNotices } from "../components/Notifications";
import type { ListedJob } from "./hooks";
import { typeLabel } from "./kinds";
import { type NotStopped, stopAll } from "./stopping";

interface Props {
  readonly jobs: readonly ListedJob[];
  readonly onClose: () => void;
}

const NAMED = 20;

/** A dialog that asks before jobs are stopped. */
export function StopJobModal({ jobs, onClose }: Props) {
  const client = useComprehend();
  const queries = useQueryClient();
  const notices = useNotices();
  const [left, setLeft] = useState<readonly NotStopped[]>([]);
  const targets = left.length === 0 ? jobs : left.map(({ listed }) => listed);
  const stop = async (): Promise<void> => {
    const refused = await stopAll(client, targets);
    await queries.invalidateQueries({ queryKey: ["comprehend"] });
    const stopped = targets.length - refused.length;
    if (stopped > 0) {
      notices.info(
        <>
          Stopping {targets.length === 1 ? <NameOf listed={targets[0]} /> : counted(stopped, "job")}. What has been
          finished is kept.
        </>,
      );
    }
    if (refused.length === 0) onClose();
    else setLeft(refused);
  };
  const one = jobs.length === 1;
  return (
    <ConfirmModal
      title={one ? "Stop this job?" : `Stop ${counted(jobs.length, "job")}?`}
      action={one ? "Stop job" : `Stop ${counted(targets.length, "job")}`}
      onConfirm={stop}
      onDismiss={onClose}
    >
      <ul>
        {targets.slice(0, NAMED).map((listed) => (
          <li key={listed.job.JobArn ?? listed.job.JobId}>
            {typeLabel(listed.kind, listed.job)} job <NameOf listed={listed} />
            {refusalOf(listed, left)}
          </li>
        ))}
        {targets.length > NAMED && <li>and {targets.length - NAMED} more</li>}
      </ul>
      <Box variant="p">
        Documents that are finished by then are written to the output. A stopped job cannot continue; copy it to start
        again.
      </Box>
    </ConfirmModal>
  );
}

function NameOf({ listed }: { readonly listed: ListedJob | undefined }) {
  return <bdi>{listed?.job.JobName ?? listed?.job.JobId}</bdi>;
}

function refusalOf(listed: ListedJob, left: readonly NotStopped[]): string {
  const refusal = left.find((each) => each.listed === listed);
  if (refusal === undefined) return "";
  const { code, message } = readError(refusal.error);
  return `: ${code}: ${message}`;
}
