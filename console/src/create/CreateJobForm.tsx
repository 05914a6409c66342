import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useEffect, useState } from "react";
import { useNavigate } from "react-router";
import { ErrorAlert } from "../components/ErrorAlert";
import { useNotices } from "../components/Notifications";
import { useAttempt } from "../components/useAttempt";
import { jobPath } from "../jobs/kinds";
import { ANALYSIS_TYPES, analysisType } from "./analysisTypes";
import { fieldOfError } from "./apiErrors";
import { InputSection, OutputSection } from "./DataSections";
import { afterLooking } from "./documents";
import { type Draft, EMPTY_DRAFT, keptJob } from "./draft";
import { JobSettings } from "./JobSettings";
import { LeftDraft } from "./parts/LeftDraft";
import { PreflightPanel } from "./parts/PreflightPanel";
import { type Check, failedOf } from "./parts/preflight";
import { RequestCode } from "./parts/RequestCode";
import { RolePicker } from "./parts/RolePicker";
import { SubmitAnyway } from "./parts/SubmitAnyway";
import { bucketsOf } from "./parts/s3Uri";
import { TagsField } from "./parts/TagsField";
import { useInputReading } from "./parts/useInputReading";
import { usePreflight } from "./parts/usePreflight";
import { VpcSettings } from "./parts/VpcSettings";
import { buildRequest } from "./request";
import { useStartJob } from "./useCreateJob";
import { type Errors, FIELD_LABELS, type Field, validateDraft } from "./validate";

interface Props {
  readonly start: Draft;
  /** Whether the user left it half filled in earlier. */
  readonly left: boolean;
  /** Whether it is a copy of a job whose tags could not be read. */
  readonly withoutTags: boolean;
}

/** The form: its fields, their errors, the service's preflight, and the button. */
export function CreateJobForm({ start, left, withoutTags }: Props) {
  const navigate = useNavigate();
  const notices = useNotices();
  const [draft, setDraft] = useState(start);
  const [resumed, setResumed] = useState(left);
  const [expected, setExpected] = useState<readonly Check[]>();
  const { busy: asking, error: unasked, attempt } = useAttempt();
  const [submitted, setSubmitted] = useState(false);
  // One token for each filled-in form, so that a request that is sent twice starts one job.
  const [token, setToken] = useState(() => crypto.randomUUID());
  const starting = useStartJob();
  const [refusals, setRefusals] = useState(0);
  useEffect(() => keptJob.keep(draft), [draft]);
  useEffect(() => {
    // Move the focus to the first field with an error.
    if (refusals > 0) document.querySelector<HTMLElement>("main [aria-invalid=true]")?.focus();
  }, [refusals]);
  const type = analysisType(draft.type) ?? ANALYSIS_TYPES[0];
  if (type === undefined) throw new Error("there are no kinds of jobs");
  const found = validateDraft(draft, type);
  const refused = starting.error === null ? undefined : fieldOfError(starting.error);
  const errors = { ...(submitted && found), ...refused };
  const request = buildRequest(draft, type);
  const change = (part: Partial<Draft>): void => {
    setDraft((before) => ({ ...before, ...part }));
    setToken(crypto.randomUUID());
    // The service refused an earlier request, not this one.
    if (starting.error !== null) starting.reset();
  };
  const looked = useInputReading(draft.input);
  const decided = looked && afterLooking(draft, looked.reading);
  useEffect(() => {
    if (decided !== undefined) change(decided);
  });
  const preflight = usePreflight(type.operation, request, waitingFor(found));
  const submit = (): void => {
    setSubmitted(true);
    if (starting.isPending || asking) return;
    if (Object.keys(found).length > 0) {
      setRefusals(refusals + 1);
      return;
    }
    void attempt(async () => {
      const failed = failedOf((await preflight.ask()) ?? []);
      if (failed.length > 0) setExpected(failed);
      else send();
    });
  };
  const send = (): void => {
    setExpected(undefined);
    starting.mutate(
      { type, request, token },
      {
        onSuccess: (id) => {
          keptJob.drop();
          notices.success(`The job ${draft.name || id} was created.`);
          navigate(jobPath(type.kind, id));
        },
      },
    );
  };
  const section = { draft, type, errors, onChange: change };
  return (
    <Form
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <Button
            variant="link"
            onClick={() => {
              keptJob.drop();
              navigate("/jobs");
            }}
          >
            Cancel
          </Button>
          <Button variant="primary" loading={starting.isPending || asking} onClick={submit}>
            Create job
          </Button>
        </SpaceBetween>
      }
      errorText={submitted && Object.keys(found).length > 0 ? summary(found) : undefined}
    >
      <SpaceBetween size="l">
        {resumed && (
          <LeftDraft
            onDiscard={() => {
              setResumed(false);
              setSubmitted(false);
              change(EMPTY_DRAFT);
            }}
          />
        )}
        {withoutTags && (
          <Alert type="warning" header="The tags were not copied">
            You need the permission comprehend:ListTagsForResource to read the tags of this job.
          </Alert>
        )}
        <JobSettings {...section} />
        <InputSection {...section} looked={looked} />
        <OutputSection {...section} />
        <VpcSettings
          value={draft.vpc}
          errors={vpcErrors(errors)}
          returnTo="/jobs/create"
          locations={[draft.input, draft.output]}
          onChange={(vpc) => change({ vpc })}
        />
        <Container header={<Header variant="h2">Access permissions</Header>}>
          <RolePicker
            value={draft.roleArn}
            inputs={[draft.input]}
            outputs={[draft.output]}
            vpc={draft.vpc}
            errorText={errors.role}
            onChange={(roleArn) => change({ roleArn })}
          />
        </Container>
        <Container header={<Header variant="h2">Tags - optional</Header>}>
          <TagsField value={draft.tags} showErrors={submitted} onChange={(tags) => change({ tags })} />
        </Container>
        <PreflightPanel
          preflight={preflight}
          waitingFor={waitingFor(found)}
          buckets={bucketsOf([draft.input, draft.output])}
        />
        {unasked !== undefined && <ErrorAlert what="The job cannot be checked, so it was not sent" error={unasked} />}
        {expected !== undefined && (
          <SubmitAnyway
            failed={expected}
            action="Create job"
            onConfirm={async () => send()}
            onDismiss={() => setExpected(undefined)}
          />
        )}
        <RequestCode operation={type.operation} request={request} />
        {starting.error !== null && <ErrorAlert what="The job cannot be created" error={starting.error} />}
      </SpaceBetween>
    </Form>
  );
}

function vpcErrors({ vpc, subnets, groups }: Errors): Errors {
  return {
    ...(vpc !== undefined && { vpc }),
    ...(subnets !== undefined && { subnets }),
    ...(groups !== undefined && { groups }),
  };
}

function names(errors: Errors): string {
  return (Object.keys(errors) as Field[]).map((field) => FIELD_LABELS[field]).join(", ");
}

function summary(errors: Errors): string {
  return `Correct what is marked above, then create the job: ${names(errors)}.`;
}

function waitingFor(errors: Errors): string | undefined {
  return Object.keys(errors).length === 0
    ? undefined
    : `The request is checked once these are filled in: ${names(errors)}.`;
}
