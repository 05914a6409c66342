import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { makeRole } from "../../access/data/makeRole";
import { COMPREHEND_SERVICE, serviceTrust } from "../../access/data/trust";
import { useIam } from "../../api/iam";
import { ErrorAlert } from "../../components/ErrorAlert";
import { useSignedIn } from "../../session/session";
import { CodeBlock } from "./CodeBlock";
import { accessPolicy, POLICY_NAME, ROLE_PATH, ROLE_PREFIX, type Scope, suffixProblem } from "./rolePolicy";
import { useStorageEndpoint } from "./useNetwork";
import { hasVpc, type VpcValue } from "./vpc";

interface Props {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly vpc: VpcValue;
  readonly onCreated: (arn: string) => void;
}

const SCOPES = [
  {
    value: "locations",
    label: "Input and output S3 locations",
    description: "The role works for this request, and for others with the same locations.",
  },
  {
    value: "buckets",
    label: "Input and output S3 buckets",
    description: "The role works for every request with these buckets.",
  },
];

/** A role for exactly this request, whose permissions are shown before it is created. */
export function NewRoleForm({ inputs, outputs, vpc, onCreated }: Props) {
  const { account } = useSignedIn().identity;
  const client = useIam();
  const queries = useQueryClient();
  const endpoint = useStorageEndpoint(vpc.vpc);
  const [scope, setScope] = useState<Scope>("locations");
  const [suffix, setSuffix] = useState("");
  const [submitted, setSubmitted] = useState(false);
  const [through, setThrough] = useState(true);
  const network = hasVpc(vpc);
  const bound = network && through ? endpoint : undefined;
  const document = accessPolicy({ inputs, outputs, network, endpoint: bound }, scope);
  const trust = serviceTrust(COMPREHEND_SERVICE, account);
  const name = ROLE_PREFIX + suffix;
  const creation = useMutation({
    mutationFn: () =>
      makeRole(client, {
        name,
        path: ROLE_PATH,
        trust,
        policy: { name: POLICY_NAME, document: JSON.stringify(document) },
      }),
    onSuccess: async (arn) => {
      await queries.invalidateQueries({ queryKey: ["iam", "ListRoles"] });
      onCreated(arn);
    },
  });
  const nothing = document.Statement.length === 0;
  const create = (): void => {
    setSubmitted(true);
    if (suffixProblem(suffix) === undefined) creation.mutate();
  };
  return (
    <SpaceBetween size="l">
      <FormField label="Permissions to access">
        <Select
          selectedOption={SCOPES.find(({ value }) => value === scope) ?? null}
          options={SCOPES}
          onChange={({ detail }) => setScope(detail.selectedOption.value as Scope)}
        />
      </FormField>
      {network && endpoint !== undefined && (
        <Checkbox
          checked={through}
          onChange={({ detail }) => setThrough(detail.checked)}
          description="Keys stolen from the container cannot be used anywhere else."
        >
          Only through the VPC's S3 endpoint {endpoint}
        </Checkbox>
      )}
      <FormField
        label="Name suffix"
        description={`The role's name becomes ${ROLE_PREFIX}${suffix === "" ? "SUFFIX" : suffix}.`}
        errorText={submitted ? suffixProblem(suffix) : undefined}
      >
        <Input value={suffix} autoComplete={false} onChange={({ detail }) => setSuffix(detail.value)} />
      </FormField>
      <ExpandableSection headerText="Policy of the role" defaultExpanded>
        {nothing ? (
          "Enter the input and output locations first: the policy names them."
        ) : (
          <CodeBlock label="Policy of the role" code={JSON.stringify(document, undefined, 2)} />
        )}
      </ExpandableSection>
      <ExpandableSection headerText="Trust policy">
        <CodeBlock label="Trust policy of the role" code={trust} />
      </ExpandableSection>
      {creation.error !== null && <ErrorAlert what={`${ROLE_PATH}${name} cannot be created`} error={creation.error} />}
      <Button formAction="none" loading={creation.isPending} disabled={nothing} onClick={create}>
        Create role
      </Button>
    </SpaceBetween>
  );
}
