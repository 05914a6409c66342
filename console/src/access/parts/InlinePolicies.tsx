import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useIam } from "../../api/iam";
import { ConfirmModal } from "../../components/ConfirmModal";
import { ErrorAlert } from "../../components/ErrorAlert";
import { FormModal } from "../../components/FormModal";
import { useNotices } from "../../components/Notifications";
import { PolicyEditor } from "../../components/policy/PolicyEditor";
import { usePolicyText } from "../../components/policy/usePolicyText";
import { ResourceTable } from "../../components/ResourceTable";
import { OPERATIONS } from "../data/identities";
import { type IdentityType, NOUN, nameProblem } from "../data/names";
import { useIamChanged, useInlineNames } from "../data/queries";
import { BLANK_POLICY } from "../data/templates";

interface Props {
  readonly type: IdentityType;
  readonly name: string;
}

/** The policies that belong to a single identity. */
export function InlinePolicies({ type, name }: Props) {
  const names = useInlineNames(type, name);
  const iam = useIam();
  const changed = useIamChanged();
  const notices = useNotices();
  const [edited, setEdited] = useState<string>();
  const [deleted, setDeleted] = useState<string>();
  return (
    <>
      <ResourceTable
        title="Inline policies"
        noun="policy"
        items={names.data}
        loading={names.isPending}
        error={names.error}
        keyOf={(policy) => policy}
        onRefresh={() => void names.refetch()}
        actions={<Button onClick={() => setEdited("")}>Add inline policy</Button>}
        empty={`An inline policy belongs only to this ${NOUN[type]} and is deleted with it.`}
        columns={[
          { id: "name", header: "Policy", value: (policy) => policy, cell: (policy) => policy },
          {
            id: "actions",
            header: "Actions",
            cell: (policy) => (
              <SpaceBetween direction="horizontal" size="s">
                <Button variant="inline-link" ariaLabel={`Edit ${policy}`} onClick={() => setEdited(policy)}>
                  Edit
                </Button>
                <Button variant="inline-link" ariaLabel={`Delete ${policy}`} onClick={() => setDeleted(policy)}>
                  Delete
                </Button>
              </SpaceBetween>
            ),
          },
        ]}
      />
      {edited !== undefined && (
        <EditInline type={type} name={name} policy={edited} onDone={() => setEdited(undefined)} />
      )}
      {deleted !== undefined && (
        <ConfirmModal
          title="Delete inline policy"
          action="Delete"
          onDismiss={() => setDeleted(undefined)}
          onConfirm={async () => {
            await OPERATIONS[type].deleteInline(iam, name, deleted);
            setDeleted(undefined);
            notices.success(`The inline policy ${deleted} of ${name} is deleted.`);
            await changed();
          }}
        >
          The policy {deleted} exists nowhere else: its text is lost.
        </ConfirmModal>
      )}
    </>
  );
}

interface EditProps extends Props {
  /** Empty for a new one. */
  readonly policy: string;
  readonly onDone: () => void;
}

function EditInline({ type, name, policy, onDone }: EditProps) {
  const iam = useIam();
  const text = useQuery({
    queryKey: ["iam", "GetInlinePolicy", type, name, policy],
    enabled: policy !== "",
    // The editor starts from what the service holds now, and is not disturbed afterwards.
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
    queryFn: () => OPERATIONS[type].inlineText(iam, name, policy),
  });
  if (policy === "") return <InlineForm type={type} name={name} policy="" initial={BLANK_POLICY} onDone={onDone} />;
  if (text.data !== undefined) {
    return <InlineForm type={type} name={name} policy={policy} initial={text.data} onDone={onDone} />;
  }
  return (
    <ConfirmModal title={policy} action="Close" onDismiss={onDone} onConfirm={async () => onDone()}>
      {text.error ? <ErrorAlert what="The policy cannot be read" error={text.error} /> : <Spinner />}
    </ConfirmModal>
  );
}

function InlineForm({ type, name, policy, initial, onDone }: EditProps & { readonly initial: string }) {
  const iam = useIam();
  const changed = useIamChanged();
  const notices = useNotices();
  const [newName, setNewName] = useState(policy);
  const document = usePolicyText(initial);
  const wrongName = nameProblem("policies", newName);
  return (
    <FormModal
      title={policy === "" ? `Add an inline policy to ${name}` : `Inline policy ${policy} of ${name}`}
      action="Save policy"
      what="The policy cannot be saved"
      size="large"
      disabled={newName === "" || wrongName !== undefined || !document.sendable}
      onDismiss={onDone}
      onSubmit={async () => {
        await document.send((text) => OPERATIONS[type].putInline(iam, name, newName, text));
        notices.success(`The inline policy ${newName} of ${name} is saved. It takes effect with the next request.`);
        onDone();
        await changed();
      }}
    >
      <FormField label="Name" errorText={wrongName}>
        <Input value={newName} disabled={policy !== ""} onChange={({ detail }) => setNewName(detail.value)} />
      </FormField>
      <PolicyEditor
        label="Policy document"
        value={document.text}
        onChange={document.setText}
        errors={document.problems}
        limit={OPERATIONS[type].inlineLimit}
      />
    </FormModal>
  );
}
