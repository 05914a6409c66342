import Box from "@cloudscape-design/components/box";
import Spinner from "@cloudscape-design/components/spinner";
import { useMemo, useState } from "react";
import { useSearchParams } from "react-router";
import { ErrorAlert } from "../components/ErrorAlert";
import { Page } from "../components/Page";
import { CreateJobForm } from "./CreateJobForm";
import { keptJob } from "./draft";
import { copiedJob, isLeft, startDraft } from "./startDraft";
import { useCopiedJob } from "./useCreateJob";

export default function CreateJobPage() {
  const [parameters] = useSearchParams();
  const copied = useMemo(() => copiedJob(parameters), [parameters]);
  const copy = useCopiedJob(copied);
  const waiting = copied !== undefined && copy.isPending;
  // After making a VPC, the user knows what was filled in; after leaving the form long ago, perhaps not.
  const [left] = useState(() => isLeft(keptJob.draft, parameters));
  const start = useMemo(() => copy.data?.draft ?? startDraft(keptJob.draft, parameters), [copy.data, parameters]);
  return (
    <Page
      title="Create job"
      description="A job reads documents from S3, analyzes each of them in containers, and writes an archive to S3."
      above={[{ text: "Analysis jobs", href: "/jobs" }]}
    >
      {copy.error !== null && <ErrorAlert what="The job cannot be copied" error={copy.error} />}
      {waiting ? (
        <Box textAlign="center" padding="xxl">
          <Spinner size="large" /> <span>Loading the job to copy</span>
        </Box>
      ) : (
        // A new start gets a new form.
        <CreateJobForm
          key={parameters.toString()}
          start={start}
          left={left}
          withoutTags={copy.data?.withoutTags === true}
        />
      )}
    </Page>
  );
}
