import type { Vpc } from "@aws-sdk/client-ec2";
import FormField from "@cloudscape-design/components/form-field";
import Multiselect, { type MultiselectProps } from "@cloudscape-design/components/multiselect";
import Select, { type SelectProps } from "@cloudscape-design/components/select";
import { readError } from "../../api/errors";
import { labelOf } from "../../vpc/ids";
import { useGroupsOf, useSubnetsOf } from "./useNetwork";
import { MOST_GROUPS, MOST_SUBNETS, type VpcValue } from "./vpc";

interface VpcSelectProps {
  readonly value: VpcValue;
  readonly vpcs: readonly Vpc[] | undefined;
  readonly loading: boolean;
  readonly onChange: (vpc: string, tenancy: string | undefined) => void;
}

export function VpcSelect({ value, vpcs, loading, onChange }: VpcSelectProps) {
  const options: SelectProps.Option[] = (vpcs ?? []).map((vpc) => ({
    value: vpc.VpcId ?? "",
    label: labelOf(vpc.VpcId, vpc.Tags),
    description: [vpc.CidrBlock, vpc.IsDefault ? "default VPC" : ""].filter(Boolean).join(", "),
    ...(vpc.InstanceTenancy === "dedicated" && {
      disabled: true,
      disabledReason: "Dedicated tenancy: jobs run only in a VPC of default tenancy.",
    }),
  }));
  const known = options.find((option) => option.value === value.vpc);
  return (
    <Select
      selectedOption={value.vpc === "" ? null : (known ?? { value: value.vpc, label: value.vpc })}
      options={options}
      statusType={loading ? "loading" : "finished"}
      loadingText="Loading VPCs"
      placeholder="No VPC"
      filteringType="auto"
      filteringAriaLabel="Filter VPCs"
      onChange={({ detail }) => {
        const vpc = detail.selectedOption.value ?? "";
        onChange(vpc, vpcs?.find(({ VpcId }) => VpcId === vpc)?.InstanceTenancy);
      }}
    />
  );
}

interface ListProps {
  readonly vpc: string;
  readonly value: readonly string[];
  readonly errorText: string | undefined;
  readonly onChange: (ids: readonly string[]) => void;
}

export function SubnetsSelect({ vpc, value, errorText, onChange }: ListProps) {
  const subnets = useSubnetsOf(vpc);
  const options = subnets.data?.map((subnet) => ({
    value: subnet.SubnetId ?? "",
    label: labelOf(subnet.SubnetId, subnet.Tags),
    description: `${subnet.CidrBlock}, ${subnet.AvailabilityZone}, ${subnet.AvailableIpAddressCount} free addresses`,
  }));
  return (
    <IdsMultiselect
      label="Subnets"
      noun="subnets"
      description="Containers get their addresses here. Choose at least two, in case one is full."
      constraintText={`1 to ${MOST_SUBNETS} subnets.`}
      empty={`${vpc} has no subnet. Create one first.`}
      {...{ options, value, errorText, onChange }}
      error={subnets.error}
    />
  );
}

export function GroupsSelect({ vpc, value, errorText, onChange }: ListProps) {
  const groups = useGroupsOf(vpc);
  const options = groups.data?.map((group) => ({
    value: group.GroupId ?? "",
    label: `${group.GroupId} (${group.GroupName})`,
    description: group.Description ?? "",
  }));
  return (
    <IdsMultiselect
      label="Security groups"
      noun="security groups"
      description="They must allow TCP 443 out to S3. A job of several containers needs a group that lets its members reach each other."
      constraintText={`1 to ${MOST_GROUPS} security groups.`}
      empty={`${vpc} has no security group.`}
      {...{ options, value, errorText, onChange }}
      error={groups.error}
    />
  );
}

interface MultiselectFieldProps {
  readonly label: string;
  readonly noun: string;
  readonly description: string;
  readonly constraintText: string;
  readonly empty: string;
  readonly options: readonly MultiselectProps.Option[] | undefined;
  readonly error: unknown;
  readonly value: readonly string[];
  readonly errorText: string | undefined;
  readonly onChange: (ids: readonly string[]) => void;
}

function IdsMultiselect(props: MultiselectFieldProps) {
  const { label, noun, description, constraintText, empty, options, error, value, errorText, onChange } = props;
  const failed = error === null || error === undefined ? undefined : readError(error);
  const status = failed ? "error" : options === undefined ? "loading" : "finished";
  return (
    <FormField label={label} description={description} constraintText={constraintText} errorText={errorText}>
      <Multiselect
        selectedOptions={value.map((id) => options?.find((option) => option.value === id) ?? { value: id, label: id })}
        options={options ?? []}
        statusType={status}
        loadingText={`Loading ${noun}`}
        errorText={failed && `${failed.code}: ${failed.message}`}
        empty={empty}
        placeholder={`Choose ${noun}`}
        filteringType="auto"
        filteringAriaLabel={`Filter ${noun}`}
        deselectAriaLabel={(option) => `Remove ${option.label ?? option.value}`}
        onChange={({ detail }) => onChange(detail.selectedOptions.map((option) => option.value ?? ""))}
      />
    </FormField>
  );
}
