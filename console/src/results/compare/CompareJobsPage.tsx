import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import Container from "@cloudscape-design/components/container";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useSearchParams } from "react-router";
import { ErrorAlert } from "../../components/ErrorAlert";
import { Page } from "../../components/Page";
import { RouterLink } from "../../components/RouterLink";
import { useJob } from "../../jobs/hooks";
import { type JobKind, kindOf } from "../../jobs/kinds";
import { jobNames, whyNotComparable } from "./comparable";
import { JobChoice } from "./JobChoice";
import { ResultsSideBySide } from "./ResultsSideBySide";

const ABOVE = [{ text: "Analysis jobs", href: "/jobs" }];
const TITLE = "Compare jobs";

/** The results of two jobs of the same kind, which the address names, document by document. */
export default function CompareJobsPage() {
  const [parameters, setParameters] = useSearchParams();
  const kind = kindOf(parameters.get("kind") ?? "");
  const [one, other] = [parameters.get("one") ?? "", parameters.get("other") ?? ""];
  if (kind === undefined) {
    return (
      <Page title={TITLE} above={ABOVE}>
        <Alert type="warning" header="This address names no type of job">
          Choose two jobs of the same type from the list of <RouterLink to="/jobs">jobs</RouterLink>, then Compare.
        </Alert>
      </Page>
    );
  }
  const set = (side: "one" | "other", id: string): void =>
    setParameters({ kind: kind.slug, one, other, [side]: id }, { replace: true });
  return (
    <Page title={TITLE} above={ABOVE} description={kind.label}>
      <Container>
        <ColumnLayout columns={2}>
          <JobChoice label="Job" kind={kind} value={one} beside={other} onChange={(id) => set("one", id)} />
          <JobChoice label="Compared with" kind={kind} value={other} beside={one} onChange={(id) => set("other", id)} />
        </ColumnLayout>
      </Container>
      {one === "" || other === "" ? (
        <Box textAlign="center" padding="l">
          Choose the two jobs. Jobs over the same input come first.
        </Box>
      ) : (
        <Jobs key={`${one} ${other}`} kind={kind} one={one} other={other} />
      )}
    </Page>
  );
}

interface JobsProps {
  readonly kind: JobKind;
  readonly one: string;
  readonly other: string;
}

function Jobs({ kind, one, other }: JobsProps) {
  const first = useJob(kind, one);
  const second = useJob(kind, other);
  if (one === other) return <Alert type="info">This is the same job twice: choose another one.</Alert>;
  const failed = [first, second].filter(({ error }) => error !== null);
  if (failed.length > 0) {
    return failed.map(({ error, refetch }, at) => (
      <ErrorAlert
        // biome-ignore lint/suspicious/noArrayIndexKey: there are two at most, and they have no state.
        key={at}
        what="A job cannot be read"
        error={error}
        onRetry={() => void refetch()}
      />
    ));
  }
  if (first.data === undefined || second.data === undefined) {
    return <StatusIndicator type="loading">Reading the jobs</StatusIndicator>;
  }
  const names = jobNames(first.data, second.data);
  const reasons = [first.data, second.data].flatMap((job, at) => {
    const why = whyNotComparable({ kind, job });
    return why === undefined ? [] : [`${names[at]}: ${why}`];
  });
  if (reasons.length > 0) {
    return (
      <Alert type="info" header="These jobs cannot be compared">
        {reasons.join(" ")}
      </Alert>
    );
  }
  return <ResultsSideBySide kind={kind} one={first.data} other={second.data} names={names} />;
}
