import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Spinner from "@cloudscape-design/components/spinner";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { useComprehend } from "../api/comprehend";
import { ErrorAlert } from "../components/ErrorAlert";
import { Page } from "../components/Page";
import { RouterButton } from "../components/RouterButton";
import { type JobKind, jobPath, kindOf, typeLabel } from "../jobs/kinds";
import { isActive, type JobProperties } from "../jobs/properties";
import { RedactionView } from "./redaction/RedactionView";
import { ArchiveView } from "./views/ArchiveView";

const POLL_MILLISECONDS = 2_000;

/** The results of a job, which the page reads from the archive itself. */
export default function ResultsPage() {
  const { kind: slug, id = "" } = useParams();
  const kind = kindOf(slug);
  if (kind === undefined) {
    return (
      <Page title="Results" above={[{ text: "Analysis jobs", href: "/jobs" }]}>
        <Alert type="error" header="There is no such kind of job">
          Choose the job from the list of jobs.
        </Alert>
      </Page>
    );
  }
  return <JobResults kind={kind} id={id} />;
}

function JobResults({ kind, id }: { readonly kind: JobKind; readonly id: string }) {
  const comprehend = useComprehend();
  const { data, error, refetch } = useQuery({
    queryKey: ["comprehend", `Describe${kind.operation}Job`, id],
    queryFn: async ({ signal }) => {
      const answer = await comprehend.send(new kind.Describe({ JobId: id }), { abortSignal: signal });
      return (answer as unknown as Record<string, unknown>)[kind.properties] as JobProperties;
    },
    refetchInterval: (query) => (isActive(query.state.data?.JobStatus) ? POLL_MILLISECONDS : false),
    refetchOnWindowFocus: (query) => isActive(query.state.data?.JobStatus),
  });
  const name = data?.JobName ?? id;
  const above = [
    { text: "Analysis jobs", href: "/jobs" },
    { text: name, href: jobPath(kind, id) },
  ];
  return (
    <Page
      title="Results"
      above={above}
      description={data && `${typeLabel(kind, data)}: ${name}`}
      actions={<RouterButton to={jobPath(kind, id)}>The job</RouterButton>}
    >
      {error && <ErrorAlert what="The job cannot be read" error={error} onRetry={() => void refetch()} />}
      {data === undefined ? !error && <Spinner size="large" /> : <Results kind={kind} job={data} />}
    </Page>
  );
}

function Results({ kind, job }: { readonly kind: JobKind; readonly job: JobProperties }) {
  if (isActive(job.JobStatus)) {
    return (
      <Box textAlign="center" padding="xxl">
        <Spinner /> <b>The job has not finished yet.</b>
        <Box variant="p">Its results are written at its end, and this page will show them then.</Box>
      </Box>
    );
  }
  if (job.JobStatus === "FAILED") {
    return (
      <Alert type="error" header="The job failed, so it has no results">
        <bdi>{job.Message}</bdi> The job's page says what to change.
      </Alert>
    );
  }
  if (job.Mode === "ONLY_REDACTION") return <RedactionView job={job} />;
  return <ArchiveView kind={kind.slug} job={job} />;
}
