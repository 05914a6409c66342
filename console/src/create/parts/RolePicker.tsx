import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import RadioGroup from "@cloudscape-design/components/radio-group";
import Select, { type SelectProps } from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useState } from "react";
import { useRolesTrusting } from "../../access/data/queries";
import { COMPREHEND_SERVICE } from "../../access/data/trust";
import { ErrorAlert } from "../../components/ErrorAlert";
import { NewRoleForm } from "./NewRoleForm";
import type { VpcValue } from "./vpc";

interface Props {
  /** The role's ARN. */
  readonly value: string;
  readonly onChange: (arn: string) => void;
  /** The S3 URIs that the work reads and writes, for the policy of a new role. Empty ones are left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly vpc: VpcValue;
  readonly errorText?: string | undefined;
}

type Way = "existing" | "create" | "type";

/**
 * The role that the service reads and writes with: an existing one, one created for this request, or one given by ARN.
 */
export function RolePicker({ value, onChange, inputs, outputs, vpc, errorText }: Props) {
  const roles = useRolesTrusting(COMPREHEND_SERVICE);
  const [chosen, setChosen] = useState<Way>();
  const [made, setMade] = useState<string>();
  const none = roles.data?.length === 0;
  const way: Way = chosen ?? (roles.isError ? "type" : none && value === "" ? "create" : "existing");
  const created = (arn: string): void => {
    onChange(arn);
    setMade(arn);
    setChosen("existing");
  };
  return (
    <SpaceBetween size="l">
      <FormField
        label="IAM role"
        description="The service assumes this role to read the input, to write the output and to join the VPC."
        errorText={way === "create" ? errorText : undefined}
      >
        <RadioGroup
          ariaRequired
          value={way}
          onChange={({ detail }) => setChosen(detail.value as Way)}
          items={[
            { value: "existing", label: "Use an existing IAM role" },
            {
              value: "create",
              label: "Create an IAM role",
              description: "With only the permissions that this request needs. You see its policy first.",
            },
            { value: "type", label: "Enter the ARN of a role" },
          ]}
        />
      </FormField>
      {way === "existing" && (
        <>
          {roles.error !== null && <ErrorAlert what="The roles cannot be listed" error={roles.error} />}
          <FormField
            label="Role name"
            description="Only roles whose trust policy names comprehend.amazonaws.com."
            errorText={errorText}
            secondaryControl={
              <Button
                formAction="none"
                iconName="refresh"
                ariaLabel="Refresh roles"
                onClick={() => void roles.refetch()}
              />
            }
          >
            <RoleSelect value={value} roles={roles} onChange={onChange} />
          </FormField>
          {made !== undefined && made === value && (
            <StatusIndicator type="success">The role was created and chosen.</StatusIndicator>
          )}
        </>
      )}
      {way === "create" && <NewRoleForm {...{ inputs, outputs, vpc }} onCreated={created} />}
      {way === "type" && (
        <FormField label="Role ARN" errorText={errorText} stretch>
          <Input
            value={value}
            placeholder="arn:aws:iam::000000000001:role/service-role/AmazonComprehendServiceRole-jobs"
            autoComplete={false}
            spellcheck={false}
            onChange={({ detail }) => onChange(detail.value)}
          />
        </FormField>
      )}
    </SpaceBetween>
  );
}

interface RoleSelectProps {
  readonly value: string;
  readonly roles: ReturnType<typeof useRolesTrusting>;
  readonly onChange: (arn: string) => void;
}

function RoleSelect({ value, roles, onChange }: RoleSelectProps) {
  const options: SelectProps.Option[] = (roles.data ?? []).map(({ Arn, RoleName, Description }) => ({
    value: Arn ?? "",
    label: RoleName ?? "",
    description: Description ?? "",
  }));
  const known = options.find((option) => option.value === value);
  return (
    <Select
      selectedOption={value === "" ? null : (known ?? { value, label: value })}
      options={options}
      statusType={roles.isPending ? "loading" : "finished"}
      loadingText="Loading roles"
      placeholder="Choose a role"
      empty="No role trusts the service yet. Create one."
      filteringType="auto"
      filteringAriaLabel="Filter roles"
      onChange={({ detail }) => onChange(detail.selectedOption.value ?? "")}
    />
  );
}
