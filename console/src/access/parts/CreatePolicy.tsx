import * as api from "@aws-sdk/client-iam";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import { useState } from "react";
import { useNavigate } from "react-router";
import { useIam } from "../../api/iam";
import { FormModal } from "../../components/FormModal";
import { useNotices } from "../../components/Notifications";
import { PolicyEditor } from "../../components/policy/PolicyEditor";
import { usePolicyText } from "../../components/policy/usePolicyText";
import { identityHref, nameProblem } from "../data/names";
import { useIamChanged } from "../data/queries";
import { BLANK_POLICY } from "../data/templates";

export function CreatePolicy({ onDismiss }: { readonly onDismiss: () => void }) {
  const iam = useIam();
  const navigate = useNavigate();
  const changed = useIamChanged();
  const notices = useNotices();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const document = usePolicyText(BLANK_POLICY);
  const wrong = nameProblem("policies", name);
  return (
    <FormModal
      title="Create policy"
      action="Create policy"
      what="The policy cannot be created"
      size="large"
      disabled={name === "" || wrong !== undefined || !document.sendable}
      onDismiss={onDismiss}
      onSubmit={async () => {
        const { Policy } = await document.send((PolicyDocument) =>
          iam.send(
            new api.CreatePolicyCommand({
              PolicyName: name,
              PolicyDocument,
              ...(description !== "" && { Description: description }),
            }),
          ),
        );
        notices.success(`The policy ${name} is created. It takes effect once it is attached.`);
        await changed();
        navigate(identityHref("policies", Policy?.Arn ?? ""));
      }}
    >
      <FormField label="Policy name" errorText={wrong}>
        <Input value={name} onChange={({ detail }) => setName(detail.value)} />
      </FormField>
      <FormField label="Description - optional" description="It cannot be changed later.">
        <Input value={description} onChange={({ detail }) => setDescription(detail.value)} />
      </FormField>
      <PolicyEditor
        label="Policy document"
        value={document.text}
        onChange={document.setText}
        errors={document.problems}
        limit={6144}
      />
    </FormModal>
  );
}
