import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Multiselect, { type MultiselectProps } from "@cloudscape-design/components/multiselect";
import { useState } from "react";
import { useIam } from "../../api/iam";
import { ConfirmModal } from "../../components/ConfirmModal";
import { FormModal } from "../../components/FormModal";
import { useNotices } from "../../components/Notifications";
import { ResourceTable } from "../../components/ResourceTable";
import { RouterLink } from "../../components/RouterLink";
import { OPERATIONS } from "../data/identities";
import { type IdentityType, identityHref, isAwsOwn, NOUN, policyName } from "../data/names";
import { useAttached, useIamChanged, usePolicies } from "../data/queries";

interface Props {
  readonly type: IdentityType;
  readonly name: string;
}

/** The managed policies of an identity. */
export function AttachedPolicies({ type, name }: Props) {
  const attached = useAttached(type, name);
  const iam = useIam();
  const changed = useIamChanged();
  const notices = useNotices();
  const [attaching, setAttaching] = useState(false);
  const [detaching, setDetaching] = useState<string>();
  return (
    <>
      <ResourceTable
        title="Attached policies"
        noun="attachment"
        items={attached.data}
        loading={attached.isPending}
        error={attached.error}
        onRefresh={() => void attached.refetch()}
        keyOf={(policy) => policy.PolicyArn ?? ""}
        actions={<Button onClick={() => setAttaching(true)}>Attach policies</Button>}
        empty={`Managed policies say what this ${NOUN[type]} may do, and can be shared by many. Attach AWS's own, or one of yours.`}
        columns={[
          {
            id: "name",
            header: "Policy",
            value: (policy) => policy.PolicyName,
            cell: (policy) => (
              <RouterLink to={identityHref("policies", policy.PolicyArn ?? "")}>{policy.PolicyName}</RouterLink>
            ),
          },
          {
            id: "kind",
            header: "Kind",
            value: (policy) => (isAwsOwn(policy.PolicyArn ?? "") ? "AWS's own" : "This account's"),
            cell: (policy) => (isAwsOwn(policy.PolicyArn ?? "") ? "AWS's own" : "This account's"),
          },
          {
            id: "detach",
            header: "Action",
            cell: (policy) => (
              <Button
                variant="inline-link"
                ariaLabel={`Detach ${policy.PolicyName}`}
                onClick={() => setDetaching(policy.PolicyArn)}
              >
                Detach
              </Button>
            ),
          },
        ]}
      />
      {attaching && (
        <AttachModal
          type={type}
          name={name}
          present={new Set((attached.data ?? []).map((policy) => policy.PolicyArn ?? ""))}
          onDone={() => setAttaching(false)}
        />
      )}
      {detaching !== undefined && (
        <ConfirmModal
          title="Detach policy"
          action="Detach"
          onDismiss={() => setDetaching(undefined)}
          onConfirm={async () => {
            await OPERATIONS[type].detach(iam, name, detaching);
            setDetaching(undefined);
            notices.success(
              `${policyName(detaching)} is detached from ${name}. The next request is decided without it.`,
            );
            await changed();
          }}
        >
          {name} will no longer be allowed or denied anything by {policyName(detaching)}. The policy itself stays.
        </ConfirmModal>
      )}
    </>
  );
}

interface AttachProps extends Props {
  readonly present: ReadonlySet<string>;
  readonly onDone: () => void;
}

function AttachModal({ type, name, present, onDone }: AttachProps) {
  const iam = useIam();
  const changed = useIamChanged();
  const notices = useNotices();
  const policies = usePolicies();
  const [chosen, setChosen] = useState<readonly MultiselectProps.Option[]>([]);
  const options = (policies.data ?? [])
    .filter((policy) => !present.has(policy.Arn ?? ""))
    .map((policy) => ({
      value: policy.Arn ?? "",
      label: policy.PolicyName ?? "",
      ...(isAwsOwn(policy.Arn ?? "") && { description: "AWS's own" }),
    }));
  return (
    <FormModal
      title={`Attach policies to ${name}`}
      action="Attach"
      what="The policy cannot be attached"
      disabled={chosen.length === 0}
      onDismiss={onDone}
      onSubmit={async () => {
        for (const { value = "" } of chosen) await OPERATIONS[type].attach(iam, name, value);
        notices.success(`${chosen.map((policy) => policy.label).join(", ")} attached to ${name}.`);
        onDone();
        await changed();
      }}
    >
      <FormField label="Policies" description="At most 10 can be attached to one user, role or group.">
        <Multiselect
          selectedOptions={chosen}
          options={options}
          filteringType="auto"
          placeholder="Choose policies"
          statusType={policies.isPending ? "loading" : policies.isError ? "error" : "finished"}
          errorText="The policies cannot be listed"
          empty="Every policy is attached already"
          onChange={({ detail }) => setChosen(detail.selectedOptions)}
        />
      </FormField>
    </FormModal>
  );
}
