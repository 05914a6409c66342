import FormField from "@cloudscape-design/components/form-field";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { IdsInput } from "../../create/parts/IdsInput";
import { GroupsSelect, SubnetsSelect, VpcSelect } from "../../create/parts/NetworkSelects";
import { useVpcs } from "../../create/parts/useNetwork";
import { NO_VPC, type VpcErrors, type VpcValue } from "../../create/parts/vpc";

interface Props {
  readonly value: VpcValue;
  readonly errors: VpcErrors;
  readonly onChange: (value: VpcValue) => void;
}

/** A choice of a VPC with its subnets and security groups; by their ids if the VPCs cannot be listed. */
export function NetworkFields({ value, errors, onChange }: Props) {
  const vpcs = useVpcs();
  if (vpcs.isError || vpcs.data?.length === 0) {
    return (
      <SpaceBetween size="m">
        <IdsInput
          label="Subnets"
          description="The ids of subnets of one VPC, separated by commas."
          placeholder="subnet-0123456789abcdef0"
          ids={value.subnets}
          errorText={errors.subnets}
          onChange={(subnets) => onChange({ ...value, subnets })}
        />
        <IdsInput
          label="Security groups"
          description="The ids of security groups of the same VPC, separated by commas."
          placeholder="sg-0123456789abcdef0"
          ids={value.groups}
          errorText={errors.groups}
          onChange={(groups) => onChange({ ...value, groups })}
        />
      </SpaceBetween>
    );
  }
  return (
    <SpaceBetween size="m">
      <FormField label="VPC" errorText={errors.vpc}>
        <VpcSelect
          value={value}
          vpcs={vpcs.data}
          loading={vpcs.isPending}
          onChange={(vpc, tenancy) => onChange({ ...NO_VPC, vpc, tenancy })}
        />
      </FormField>
      {value.vpc !== "" && (
        <SubnetsSelect
          vpc={value.vpc}
          value={value.subnets}
          errorText={errors.subnets}
          onChange={(subnets) => onChange({ ...value, subnets })}
        />
      )}
      {value.vpc !== "" && (
        <GroupsSelect
          vpc={value.vpc}
          value={value.groups}
          errorText={errors.groups}
          onChange={(groups) => onChange({ ...value, groups })}
        />
      )}
    </SpaceBetween>
  );
}
