import * as api from "@aws-sdk/client-iam";
import Checkbox from "@cloudscape-design/components/checkbox";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import RadioGroup from "@cloudscape-design/components/radio-group";
import { useState } from "react";
import { useNavigate } from "react-router";
import { useIam } from "../../api/iam";
import { FormModal } from "../../components/FormModal";
import { useNotices } from "../../components/Notifications";
import { PolicyEditor } from "../../components/policy/PolicyEditor";
import { usePolicyText } from "../../components/policy/usePolicyText";
import { useSignedIn } from "../../session/session";
import { identityHref, nameProblem } from "../data/names";
import { useIamChanged } from "../data/queries";
import { accountTrust, dataAccessPolicy } from "../data/templates";
import { COMPREHEND_SERVICE, FLOW_LOGS_SERVICE, serviceTrust } from "../data/trust";

type Template = "comprehend" | "flow-logs" | "account";

const TRUST: Readonly<Record<Template, (account: string) => string>> = {
  comprehend: (account) => serviceTrust(COMPREHEND_SERVICE, account),
  "flow-logs": (account) => serviceTrust(FLOW_LOGS_SERVICE, account),
  account: accountTrust,
};

const INLINE_NAME = "DataAccess";

/** Create a role; one for Comprehend's jobs can be created with its permissions. */
export function CreateRole({ onDismiss }: { readonly onDismiss: () => void }) {
  const { account } = useSignedIn().identity;
  const iam = useIam();
  const navigate = useNavigate();
  const changed = useIamChanged();
  const notices = useNotices();
  const [template, setTemplate] = useState<Template>("comprehend");
  const [name, setName] = useState("");
  const [input, setInput] = useState("");
  const [output, setOutput] = useState("");
  const [inVpc, setInVpc] = useState(true);
  const trust = usePolicyText(TRUST.comprehend(account));
  const wrong = nameProblem("roles", name);
  const withPolicy = template === "comprehend" && input !== "";
  const create = async (): Promise<void> => {
    await trust.send((AssumeRolePolicyDocument) =>
      iam.send(new api.CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument })),
    );
    await changed();
    navigate(identityHref("roles", name));
    if (!withPolicy) {
      notices.success(`The role ${name} is created. It may do nothing until a policy allows it.`);
      return;
    }
    try {
      const PolicyDocument = dataAccessPolicy(input, output || input, inVpc);
      await iam.send(new api.PutRolePolicyCommand({ RoleName: name, PolicyName: INLINE_NAME, PolicyDocument }));
      notices.success(`The role ${name} is created, with the inline policy ${INLINE_NAME}.`);
      await changed();
    } catch (error) {
      // The role exists by now, so show its page, and say there what is missing.
      notices.failure(`The role ${name} is created, but not its inline policy ${INLINE_NAME}`, error);
    }
  };
  return (
    <FormModal
      title="Create role"
      action="Create role"
      what="The role cannot be created"
      size="large"
      disabled={name === "" || wrong !== undefined || !trust.sendable}
      onDismiss={onDismiss}
      onSubmit={create}
    >
      <FormField label="Role name" errorText={wrong}>
        <Input value={name} onChange={({ detail }) => setName(detail.value)} />
      </FormField>
      <FormField label="Who uses it">
        <RadioGroup
          value={template}
          onChange={({ detail }) => {
            setTemplate(detail.value as Template);
            trust.setText(TRUST[detail.value as Template](account));
          }}
          items={[
            { value: "comprehend", label: "Comprehend, for jobs and models", description: "The data access role." },
            { value: "flow-logs", label: "VPC flow logs", description: "To write records to a log group." },
            { value: "account", label: "Users of this account", description: "They assume the role temporarily." },
          ]}
        />
      </FormField>
      {template === "comprehend" && (
        <>
          <FormField
            label="Bucket with the documents - optional"
            description="With it, the role gets an inline policy that lets jobs read here and write results."
          >
            <Input value={input} placeholder="papers" onChange={({ detail }) => setInput(detail.value)} />
          </FormField>
          <FormField label="Bucket for the results - optional" description="Leave empty to use the same bucket.">
            <Input value={output} onChange={({ detail }) => setOutput(detail.value)} />
          </FormField>
          <Checkbox checked={inVpc} onChange={({ detail }) => setInVpc(detail.checked)}>
            Also for jobs with VPC settings (network interfaces)
          </Checkbox>
        </>
      )}
      <PolicyEditor
        label="Trust policy document"
        value={trust.text}
        onChange={trust.setText}
        errors={trust.problems}
        limit={2048}
      />
    </FormModal>
  );
}
