import Box from "@cloudscape-design/components/box";
import Spinner from "@cloudscape-design/components/spinner";
import { useMemo } from "react";
import { useSearchParams } from "react-router";
import { ErrorAlert } from "../components/ErrorAlert";
import { Page } from "../components/Page";
import { CreateJobForm } from "./CreateJobForm";
import { keptJob } from "./draft";
import { copiedJob, startDraft } from "./startDraft";
import { useCopiedJob } from "./useCreateJob";

export default function CreateJobPage() {
  const [parameters] = useSearchParams();
  const copied = useMemo(() => copiedJob(parameters), [parameters]);
  const copy = useCopiedJob(copied);
  const waiting = copied !== undefined && copy.isPending;
  const start = useMemo(() => copy.data?.draft ?? startDraft(keptJob.draft, parameters), [copy.data, parameters]);
  return (
    <Page
      title="Create job"
      description="A job reads documents from S3, analyses each of them in containers, and writes an archive back to S3."
      above={[{ text: "Analysis jobs", href: "/jobs" }]}
    >
      {copy.error !== null && <ErrorAlert what="The job cannot be copied" error={copy.error} />}
      {waiting ? (
        <Box textAlign="center" padding="xxl">
          <Spinner size="large" /> <span>Loading the job to copy</span>
        </Box>
      ) : (
        // Another start is another form.
        <CreateJobForm key={parameters.toString()} start={start} withoutTags={copy.data?.withoutTags === true} />
      )}
    </Page>
  );
}
