import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { useComprehend } from "../../api/comprehend";
import { readError } from "../../api/errors";
import { ErrorAlert } from "../../components/ErrorAlert";
import { counted } from "../../components/format";
import { useNotices } from "../../components/Notifications";
import { RouterLink } from "../../components/RouterLink";
import { useAttempt } from "../../components/useAttempt";
import { startJob } from "../../jobs/calls";
import type { StartJobRequest } from "../../jobs/properties";
import { severalPath } from "../../jobs/several/address";
import { ANALYSIS_TYPES } from "../analysisTypes";
import { InputSection, OutputSection } from "../DataSections";
import { afterLooking } from "../documents";
import type { Draft } from "../draft";
import { LeftDraft } from "../parts/LeftDraft";
import { PreflightPanel } from "../parts/PreflightPanel";
import { type Check, failedOf } from "../parts/preflight";
import { RolePicker } from "../parts/RolePicker";
import { SubmitAnyway } from "../parts/SubmitAnyway";
import { bucketsOf } from "../parts/s3Uri";
import { TagsField } from "../parts/TagsField";
import { useInputReading } from "../parts/useInputReading";
import { VpcSettings } from "../parts/VpcSettings";
import { FIELD_LABELS } from "../validate";
import { AnalysesSection } from "./AnalysesSection";
import {
  EMPTY_SEVERAL,
  keptSeveral,
  type SeveralDraft,
  type SeveralErrors,
  validateSeveral,
  type Work,
  workOf,
  wrongOf,
} from "./draft";
import { type StartedAll, startAll } from "./startAll";
import { useSeveralPreflight } from "./useSeveralPreflight";

const NONE: StartedAll = { started: new Map(), refused: [] };
const NO_ERRORS: SeveralErrors = { fields: {}, kinds: undefined, models: {} };

interface Props {
  readonly start: SeveralDraft;
  /** Whether the user left it half filled in earlier. */
  readonly left: boolean;
}

/** The form for several analyses: what they have in common, one preflight, and one button that starts them all. */
export function SeveralForm({ start, left }: Props) {
  const navigate = useNavigate();
  const client = useComprehend();
  const queries = useQueryClient();
  const notices = useNotices();
  const [several, setSeveral] = useState(start);
  const [resumed, setResumed] = useState(left);
  const [submitted, setSubmitted] = useState(false);
  const [refusals, setRefusals] = useState(0);
  const [expected, setExpected] = useState<readonly Check[]>();
  const [outcome, setOutcome] = useState(NONE);
  const { busy, error, attempt } = useAttempt();
  // One token for each request, so that a request that is sent twice starts one job.
  const tokens = useRef(new Map<string, string>());
  useEffect(() => keptSeveral.keep(several), [several]);
  useEffect(() => {
    if (refusals > 0) document.querySelector<HTMLElement>("main [aria-invalid=true]")?.focus();
  }, [refusals]);
  const { common } = several;
  const work = workOf(several);
  const found = validateSeveral(several);
  const wrong = wrongOf(found, FIELD_LABELS);
  const errors = submitted ? found : NO_ERRORS;
  const waitingFor =
    wrong.length === 0 ? undefined : `The requests are checked once these are filled in: ${wrong.join(", ")}.`;
  const preflight = useSeveralPreflight(work, waitingFor);
  const change = (part: Partial<SeveralDraft>): void => setSeveral((before) => ({ ...before, ...part }));
  const changeCommon = (part: Partial<Draft>): void =>
    setSeveral((before) => ({ ...before, common: { ...before.common, ...part } }));
  const looked = useInputReading(common.input);
  const decided = looked && afterLooking(common, looked.reading);
  useEffect(() => {
    if (decided !== undefined) changeCommon(decided);
  });
  const sendOne = ({ type, request }: Work): Promise<string> => {
    const text = JSON.stringify(request);
    const token = tokens.current.get(text) ?? crypto.randomUUID();
    tokens.current.set(text, token);
    // The form was checked against the operation's members; the table of kinds has one type for all operations.
    return startJob(client, type.kind, request as unknown as StartJobRequest, token);
  };
  const send = async (): Promise<void> => {
    setExpected(undefined);
    const now = await startAll(work, outcome.started, sendOne);
    setOutcome(now);
    await queries.invalidateQueries({ queryKey: ["comprehend"] });
    if (now.refused.length > 0) return;
    keptSeveral.drop();
    notices.success(`${counted(now.started.size, "job was", "jobs were")} created.`);
    navigate(severalPath([...now.started.values()]));
  };
  const submit = (): void => {
    setSubmitted(true);
    if (busy) return;
    if (wrong.length > 0) {
      setRefusals(refusals + 1);
      return;
    }
    void attempt(async () => {
      const failed = failedOf((await preflight.ask()) ?? []);
      if (failed.length > 0) setExpected(failed);
      else await send();
    });
  };
  const toStart = work.filter(({ type }) => !outcome.started.has(type.id)).length;
  const type = work[0]?.type ?? ANALYSIS_TYPES[0];
  if (type === undefined) throw new Error("there are no kinds of jobs");
  const section = { draft: common, type, errors: errors.fields, onChange: changeCommon };
  return (
    <Form
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <Button
            variant="link"
            onClick={() => {
              keptSeveral.drop();
              navigate("/jobs");
            }}
          >
            Cancel
          </Button>
          <Button variant="primary" loading={busy} onClick={submit}>
            {`Create ${counted(toStart, "job")}`}
          </Button>
        </SpaceBetween>
      }
      errorText={
        submitted && wrong.length > 0
          ? `Correct what is marked above, then create the jobs: ${wrong.join(", ")}.`
          : undefined
      }
    >
      <SpaceBetween size="l">
        {resumed && (
          <LeftDraft
            onDiscard={() => {
              setResumed(false);
              setSubmitted(false);
              setSeveral(EMPTY_SEVERAL);
            }}
          />
        )}
        <AnalysesSection several={several} work={work} errors={errors} onCommon={changeCommon} onChange={change} />
        <InputSection {...section} looked={looked} />
        <OutputSection {...section} />
        <VpcSettings
          value={common.vpc}
          errors={{ vpc: errors.fields.vpc, subnets: errors.fields.subnets, groups: errors.fields.groups }}
          returnTo="/jobs/create-several"
          locations={[common.input, common.output]}
          onChange={(vpc) => changeCommon({ vpc })}
        />
        <Container header={<Header variant="h2">Access permissions</Header>}>
          <RolePicker
            value={common.roleArn}
            inputs={[common.input]}
            outputs={[common.output]}
            vpc={common.vpc}
            errorText={errors.fields.role}
            onChange={(roleArn) => changeCommon({ roleArn })}
          />
        </Container>
        <Container header={<Header variant="h2">Tags - optional</Header>}>
          <TagsField value={common.tags} showErrors={submitted} onChange={(tags) => changeCommon({ tags })} />
        </Container>
        <PreflightPanel
          preflight={preflight}
          waitingFor={waitingFor}
          buckets={bucketsOf([common.input, common.output])}
        />
        {error !== undefined && <ErrorAlert what="The jobs cannot be checked, so none was sent" error={error} />}
        {expected !== undefined && (
          <SubmitAnyway
            failed={expected}
            action={`Create ${counted(toStart, "job")}`}
            onConfirm={send}
            onDismiss={() => setExpected(undefined)}
          />
        )}
        <NotAll outcome={outcome} />
      </SpaceBetween>
    </Form>
  );
}

/** Says which jobs were refused, and leads to those that were started. */
function NotAll({ outcome: { started, refused } }: { readonly outcome: StartedAll }) {
  if (refused.length === 0) return null;
  return (
    <Alert type="error" header={`${counted(refused.length, "job was", "jobs were")} not created`} data-testid="refused">
      <ul>
        {refused.map(({ work, error }) => {
          const { code, message, advice } = readError(error);
          return (
            <li key={work.type.id}>
              {work.type.label}: {code}: {message} {advice}
            </li>
          );
        })}
      </ul>
      {started.size > 0 && (
        <>
          <RouterLink
            to={severalPath([...started.values()])}
          >{`${counted(started.size, "job")} run already`}</RouterLink>
          . The button starts only the others.
        </>
      )}
    </Alert>
  );
}
