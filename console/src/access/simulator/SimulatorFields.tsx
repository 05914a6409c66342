import * as api from "@aws-sdk/client-iam";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import Tiles from "@cloudscape-design/components/tiles";
import { useIam } from "../../api/iam";
import { useNotices } from "../../components/Notifications";
import { PolicyEditor } from "../../components/policy/PolicyEditor";
import type { PolicyProblem } from "../../components/policy/problems";
import { ContextRows } from "./ContextRows";
import { PrincipalSelect } from "./PrincipalSelect";
import type { SimulatorForm } from "./request";

interface Props {
  readonly form: SimulatorForm;
  readonly onChange: (part: Partial<SimulatorForm>) => void;
  readonly problems: readonly PolicyProblem[];
}

/** What is simulated: whose policies, which actions, on what, under which conditions. */
export function SimulatorFields({ form, onChange, problems }: Props) {
  const iam = useIam();
  const notices = useNotices();
  const findKeys = async (): Promise<void> => {
    try {
      const { ContextKeyNames = [] } =
        form.source === "principal"
          ? await iam.send(new api.GetContextKeysForPrincipalPolicyCommand({ PolicySourceArn: form.principal }))
          : await iam.send(new api.GetContextKeysForCustomPolicyCommand({ PolicyInputList: [form.policy] }));
      const known = new Set(form.context.map((row) => row.key.toLowerCase()));
      const fresh = ContextKeyNames.filter((key) => !known.has(key.toLowerCase()));
      onChange({ context: [...form.context, ...fresh.map((key) => ({ key, type: "string" as const, value: "" }))] });
      if (ContextKeyNames.length === 0) notices.info("These policies use no condition keys.");
    } catch (error) {
      notices.failure("The condition keys cannot be found", error);
    }
  };
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Whose policies</Header>}>
        <SpaceBetween size="m">
          <Tiles
            ariaLabel="Whose policies"
            value={form.source}
            onChange={({ detail }) => onChange({ source: detail.value as SimulatorForm["source"] })}
            items={[
              {
                value: "principal",
                label: "A user, group or role",
                description: "All policies that it has now, including its boundary.",
              },
              {
                value: "custom",
                label: "A policy that I write",
                description: "It need not belong to an interface yet.",
              },
            ]}
          />
          {form.source === "principal" ? (
            <PrincipalSelect
              label="Principal"
              value={form.principal}
              onChange={(principal) => onChange({ principal })}
            />
          ) : (
            <PolicyEditor
              label="Policy to simulate"
              value={form.policy}
              onChange={(policy) => onChange({ policy })}
              errors={problems}
            />
          )}
        </SpaceBetween>
      </Container>
      <Container header={<Header variant="h2">The request</Header>}>
        <SpaceBetween size="m">
          <FormField label="Actions" description="One or more, separated by spaces, commas or new lines.">
            <Textarea
              value={form.actions}
              rows={3}
              placeholder="s3:GetObject comprehend:StartEntitiesDetectionJob"
              onChange={({ detail }) => onChange({ actions: detail.value })}
            />
          </FormField>
          <FormField label="Resources - optional" description="ARNs, one per line. Leave empty for every resource (*).">
            <Textarea
              value={form.resources}
              rows={2}
              placeholder="arn:aws:s3:::papers/report.txt"
              onChange={({ detail }) => onChange({ resources: detail.value })}
            />
          </FormField>
          <ContextRows
            rows={form.context}
            onChange={(context) => onChange({ context })}
            actions={
              <Button disabled={form.source === "principal" && form.principal === ""} onClick={() => void findKeys()}>
                Find the keys that these policies use
              </Button>
            }
          />
          <ExpandableSection headerText="The resource's own policy - optional">
            <SpaceBetween size="m">
              <PolicyEditor
                label="Resource policy"
                description="For example, the policy of the bucket that is read. Leave empty for none."
                value={form.resourcePolicy}
                onChange={(resourcePolicy) => onChange({ resourcePolicy })}
                optional
              />
              <FormField
                label="Caller - optional"
                description="The ARN of the calling user; required if the source is not a user."
              >
                <Input value={form.caller} onChange={({ detail }) => onChange({ caller: detail.value.trim() })} />
              </FormField>
            </SpaceBetween>
          </ExpandableSection>
        </SpaceBetween>
      </Container>
    </SpaceBetween>
  );
}
