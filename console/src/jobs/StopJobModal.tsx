import Box from "@cloudscape-design/components/box";
import { useQueryClient } from "@tanstack/react-query";
import { useComprehend } from "../api/comprehend";
import { ConfirmModal } from "../components/ConfirmModal";
import { useNotices } from "../components/Notifications";
import { stopJob } from "./calls";
import { type JobKind, typeLabel } from "./kinds";
import type { JobProperties } from "./properties";

interface Props {
  readonly kind: JobKind;
  readonly job: JobProperties;
  readonly onClose: () => void;
}

/** The question before a job is stopped. */
export function StopJobModal({ kind, job, onClose }: Props) {
  const client = useComprehend();
  const queries = useQueryClient();
  const notices = useNotices();
  const name = job.JobName ?? job.JobId ?? "";
  const stop = async (): Promise<void> => {
    await stopJob(client, kind, job.JobId ?? "");
    notices.info(
      <>
        The job <bdi>{name}</bdi> was asked to stop. What it has finished is kept.
      </>,
    );
    onClose();
    await queries.invalidateQueries({ queryKey: ["comprehend"] });
  };
  return (
    <ConfirmModal title="Stop this job?" action="Stop job" onConfirm={stop} onDismiss={onClose}>
      <Box variant="p">
        {typeLabel(kind, job)} job <bdi>{name}</bdi>. The documents that are finished by then are written to its output.
        A stopped job cannot go on; copy it to start again.
      </Box>
    </ConfirmModal>
  );
}
