import * as api from "@aws-sdk/client-iam";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import { useState } from "react";
import { useNavigate } from "react-router";
import { useIam } from "../../api/iam";
import { FormModal } from "../../components/FormModal";
import { useNotices } from "../../components/Notifications";
import { identityHref, nameProblem } from "../data/names";
import { useIamChanged } from "../data/queries";
import { PolicySelect } from "./PolicySelect";

export function CreateUser({ onDismiss }: { readonly onDismiss: () => void }) {
  const iam = useIam();
  const navigate = useNavigate();
  const changed = useIamChanged();
  const notices = useNotices();
  const [name, setName] = useState("");
  const [boundary, setBoundary] = useState("");
  const wrong = nameProblem("users", name);
  return (
    <FormModal
      title="Create user"
      action="Create user"
      what="The user cannot be created"
      disabled={name === "" || wrong !== undefined}
      onDismiss={onDismiss}
      onSubmit={async () => {
        await iam.send(
          new api.CreateUserCommand({ UserName: name, ...(boundary !== "" && { PermissionsBoundary: boundary }) }),
        );
        notices.success(`The user ${name} is created. Attach policies, then create an access key.`);
        await changed();
        navigate(identityHref("users", name));
      }}
    >
      <FormField label="User name" description="A new user may do nothing until a policy allows it." errorText={wrong}>
        <Input value={name} onChange={({ detail }) => setName(detail.value)} />
      </FormField>
      <PolicySelect
        label="Permissions boundary - optional"
        description="The limit for the user's permissions, whatever policies are attached later."
        none="No boundary"
        value={boundary}
        onChange={setBoundary}
      />
    </FormModal>
  );
}

export function CreateGroup({ onDismiss }: { readonly onDismiss: () => void }) {
  const iam = useIam();
  const navigate = useNavigate();
  const changed = useIamChanged();
  const notices = useNotices();
  const [name, setName] = useState("");
  const wrong = nameProblem("groups", name);
  return (
    <FormModal
      title="Create group"
      action="Create group"
      what="The group cannot be created"
      disabled={name === "" || wrong !== undefined}
      onDismiss={onDismiss}
      onSubmit={async () => {
        await iam.send(new api.CreateGroupCommand({ GroupName: name }));
        notices.success(`The group ${name} is created. Add users and attach policies.`);
        await changed();
        navigate(identityHref("groups", name));
      }}
    >
      <FormField label="Group name" errorText={wrong}>
        <Input value={name} onChange={({ detail }) => setName(detail.value)} />
      </FormField>
    </FormModal>
  );
}
