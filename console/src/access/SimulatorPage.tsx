import * as api from "@aws-sdk/client-iam";
import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { useIam } from "../api/iam";
import { ErrorAlert } from "../components/ErrorAlert";
import { Page } from "../components/Page";
import { isPolicyError, type PolicyProblem, problemsOf } from "../components/policy/problems";
import { useAttempt } from "../components/useAttempt";
import { useSignedIn } from "../session/session";
import { readAll } from "./data/paging";
import { BLANK_POLICY } from "./data/templates";
import {
  customRequest,
  formProblem,
  principalRequest,
  type ResultRow,
  rowsOf,
  type SimulatorForm,
} from "./simulator/request";
import { SimulatorFields } from "./simulator/SimulatorFields";
import { SimulatorResults } from "./simulator/SimulatorResults";

interface Outcome {
  readonly rows: readonly ResultRow[];
  /** The text that the positions of matched statements refer to, if it is known. */
  readonly policy: string | undefined;
}

export default function SimulatorPage() {
  const [parameters] = useSearchParams();
  const { arn } = useSignedIn().identity;
  const iam = useIam();
  const [form, setForm] = useState<SimulatorForm>(() => ({
    source: "principal",
    principal: parameters.get("principal") ?? (arn.startsWith("arn:aws:iam:") ? arn : ""),
    policy: BLANK_POLICY,
    actions: parameters.get("action") ?? "s3:GetObject",
    resources: parameters.get("resource") ?? "",
    context: [],
    resourcePolicy: "",
    caller: "",
  }));
  const { busy, error, attempt } = useAttempt();
  const [problems, setProblems] = useState<readonly PolicyProblem[]>([]);
  const [outcome, setOutcome] = useState<Outcome>();
  const lacks = formProblem(form);
  const change = (part: Partial<SimulatorForm>): void => {
    setForm((known) => ({ ...known, ...part }));
    setProblems([]);
  };
  const simulate = (): Promise<void> =>
    attempt(async () => {
      setProblems([]);
      try {
        const results = await readAll(
          (page) =>
            form.source === "principal"
              ? iam.send(new api.SimulatePrincipalPolicyCommand({ ...principalRequest(form), ...page }))
              : iam.send(new api.SimulateCustomPolicyCommand({ ...customRequest(form), ...page })),
          (answer) => answer.EvaluationResults,
        );
        setOutcome({ rows: rowsOf(results), policy: form.source === "custom" ? form.policy : undefined });
      } catch (thrown) {
        setOutcome(undefined);
        if (isPolicyError(thrown) && form.source === "custom") setProblems(problemsOf(thrown, form.policy));
        throw thrown;
      }
    });
  return (
    <Page
      title="Policy simulator"
      above={[{ text: "Access", href: "/access" }]}
      description="Check whether an action would be allowed, without performing it. Nothing is changed."
    >
      <SimulatorFields form={form} onChange={change} problems={problems} />
      <div>
        <Button
          variant="primary"
          loading={busy}
          disabled={lacks !== undefined}
          disabledReason={lacks}
          onClick={() => void simulate()}
        >
          Simulate
        </Button>
      </div>
      <div aria-live="polite">
        {error !== undefined && <ErrorAlert what="The simulation failed" error={error} />}
        {outcome !== undefined && (
          <SimulatorResults
            rows={outcome.rows}
            policy={outcome.policy}
            onAddKeys={(keys) => {
              const known = new Set(form.context.map((row) => row.key.toLowerCase()));
              const fresh = keys.filter((key) => !known.has(key.toLowerCase()));
              change({
                context: [...form.context, ...fresh.map((key) => ({ key, type: "string" as const, value: "" }))],
              });
            }}
          />
        )}
      </div>
    </Page>
  );
}
