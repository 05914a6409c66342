import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import { useState } from "react";
import { useReadingRoom } from "../../api/readingRoom";
import { FormModal } from "../../components/FormModal";
import { RouterLink } from "../../components/RouterLink";
import { ModelField } from "../../create/ModelField";
import { RolePicker } from "../../create/parts/RolePicker";
import { NO_VPC, type VpcErrors, type VpcValue, validateVpc } from "../../create/parts/vpc";
import { MODEL_KINDS } from "../../models/kinds";
import { kindOfModel } from "../kinds";
import type { StartJobRequest } from "../properties";
import { NetworkFields } from "./NetworkFields";
import { checksOf, type Prepared } from "./prepare";
import { problemsOf } from "./problems";
import { type Choices, withChoices } from "./request";

interface Props {
  readonly prepared: Prepared;
  readonly onSend: (request: StartJobRequest) => Promise<void>;
  readonly onDismiss: () => void;
}

/** Says why a job cannot run again as it was, and asks only for what must be new. */
export default function RunAgainModal({ prepared, onSend, onDismiss }: Props) {
  const { kind, job } = prepared;
  const call = useReadingRoom();
  const [problems, setProblems] = useState(prepared.problems);
  const [choices, setChoices] = useState<Choices>({});
  const [refused, setRefused] = useState<VpcErrors>({});
  // A field stays once it has been asked for, so that what was chosen can be corrected.
  const [asked, setAsked] = useState(() => new Set(problems.flatMap((problem) => problem.asked ?? [])));
  const network = choices.network ?? NO_VPC;
  const model = kindOfModel(kind);
  const change = (more: Choices): void => setChoices((before) => ({ ...before, ...more }));
  const complete =
    (!asked.has("model") || choices.model !== undefined) &&
    (!asked.has("role") || (choices.role ?? "") !== "") &&
    (!asked.has("network") || choices.network !== undefined);
  const submit = async (): Promise<void> => {
    const request = withChoices(kind, prepared.request, choices);
    const left = problemsOf(kind, job, await checksOf(call, kind, request));
    if (left.length === 0) {
      await onSend(request);
      onDismiss();
      return;
    }
    setProblems(left);
    setAsked((before) => new Set([...before, ...left.flatMap((problem) => problem.asked ?? [])]));
  };
  const check = (): boolean => {
    const found = asked.has("network") ? validateVpc(network) : {};
    setRefused(found);
    return Object.keys(found).length === 0;
  };
  return (
    <FormModal
      title={`Run ${job.JobName ?? job.JobId} again`}
      action="Run again"
      what="The job cannot be run again"
      size="large"
      disabled={!complete}
      check={check}
      onSubmit={submit}
      onDismiss={onDismiss}
    >
      {problems.map(({ title, message, remedy }) => (
        <Alert key={`${title} ${message}`} type="warning" header={title}>
          {message} {remedy}
        </Alert>
      ))}
      {asked.has("model") && model !== undefined && (
        <ModelField
          kind={model}
          value={choices.model?.arn ?? ""}
          onChange={({ arn, language }) => change({ model: { arn, language } })}
        />
      )}
      {asked.has("network") && (
        <NetworkFields value={network} errors={refused} onChange={(value: VpcValue) => change({ network: value })} />
      )}
      {asked.has("role") && (
        <RolePicker
          value={choices.role ?? ""}
          inputs={[job.InputDataConfig?.S3Uri ?? ""]}
          outputs={[prepared.request.OutputDataConfig.S3Uri ?? ""]}
          vpc={network}
          onChange={(role) => change({ role })}
        />
      )}
      <Box variant="p">
        Everything else stays as it was. To change more,{" "}
        <RouterLink to={`/jobs/create?copy=${kind.slug}/${encodeURIComponent(job.JobId ?? "")}`}>
          open the job in the form
        </RouterLink>
        {model !== undefined && asked.has("model") && (
          <>
            , or <RouterLink to={MODEL_KINDS[model].createPath}>train a model</RouterLink> first
          </>
        )}
        .
      </Box>
    </FormModal>
  );
}
