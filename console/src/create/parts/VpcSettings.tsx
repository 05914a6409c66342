import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import FormField from "@cloudscape-design/components/form-field";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useEffect, useState } from "react";
import { readError } from "../../api/errors";
import { RouterLink } from "../../components/RouterLink";
import { IdsInput } from "./IdsInput";
import { GroupsSelect, SubnetsSelect, VpcSelect } from "./NetworkSelects";
import { bucketsOf } from "./s3Uri";
import { useVpcOf, useVpcs } from "./useNetwork";
import { hasVpc, MOST_GROUPS, MOST_SUBNETS, NETWORK_ACTIONS, NO_VPC, type VpcErrors, type VpcValue } from "./vpc";

interface Props {
  readonly value: VpcValue;
  readonly onChange: (value: VpcValue) => void;
  readonly errors?: VpcErrors;
  /** The page to which the form for a private VPC returns, with the ids in the address. */
  readonly returnTo: string;
  /** The S3 locations that the work reads and writes: a VPC that is made for it gives access to their buckets. */
  readonly locations: readonly string[];
}

/** The section "VPC settings" of every form that starts a job or a training: VPC, subnets, security groups. */
export function VpcSettings({ value, onChange, errors = {}, returnTo, locations }: Props) {
  const makeVpc = makeVpcPath(returnTo, locations);
  const vpcs = useVpcs();
  const [typing, setTyping] = useState(false);
  const used = hasVpc(value);
  const [expanded, setExpanded] = useState(used);
  const failed = Object.keys(errors).length > 0;
  useEffect(() => {
    // Values and errors must be visible.
    if (used || failed) setExpanded(true);
  }, [used, failed]);
  useDerived(value, onChange, vpcs.data);
  const cannotList = vpcs.isError || vpcs.data?.length === 0;
  const typed = typing || cannotList;
  return (
    <ExpandableSection
      variant="container"
      headerText="VPC settings - optional"
      headerDescription="Run the containers in your own subnets, with your own security groups."
      expanded={expanded}
      onChange={({ detail }) => setExpanded(detail.expanded)}
    >
      <SpaceBetween size="l">
        {cannotList && <CannotList error={vpcs.error} makeVpc={makeVpc} />}
        {typed ? (
          <SpaceBetween size="l">
            <IdsInput
              label="Subnets"
              description={`The ids of 1 to ${MOST_SUBNETS} subnets of one VPC, separated by commas.`}
              placeholder="subnet-0123456789abcdef0"
              ids={value.subnets}
              errorText={errors.subnets}
              onChange={(subnets) => onChange({ ...value, vpc: "", tenancy: undefined, subnets })}
            />
            <IdsInput
              label="Security groups"
              description={`The ids of 1 to ${MOST_GROUPS} security groups of the same VPC, separated by commas.`}
              placeholder="sg-0123456789abcdef0"
              ids={value.groups}
              errorText={errors.groups}
              onChange={(groups) => onChange({ ...value, groups })}
            />
          </SpaceBetween>
        ) : (
          <SpaceBetween size="l">
            <FormField
              label="VPC"
              description="It determines which subnets and groups are listed below. It is not part of the request."
              errorText={errors.vpc}
              secondaryControl={
                used && (
                  <Button formAction="none" onClick={() => onChange(NO_VPC)}>
                    Clear VPC
                  </Button>
                )
              }
            >
              <VpcSelect
                value={value}
                vpcs={vpcs.data}
                loading={vpcs.isPending}
                onChange={(vpc, tenancy) => onChange({ ...NO_VPC, vpc, tenancy })}
              />
            </FormField>
            {value.vpc !== "" && (
              <SpaceBetween size="l">
                <SubnetsSelect
                  vpc={value.vpc}
                  value={value.subnets}
                  errorText={errors.subnets}
                  onChange={(subnets) => onChange({ ...value, subnets })}
                />
                <GroupsSelect
                  vpc={value.vpc}
                  value={value.groups}
                  errorText={errors.groups}
                  onChange={(groups) => onChange({ ...value, groups })}
                />
              </SpaceBetween>
            )}
          </SpaceBetween>
        )}
        <SpaceBetween size="m" direction="horizontal">
          {!cannotList && (
            <Button formAction="none" variant="inline-link" onClick={() => setTyping(!typing)}>
              {typing ? "Choose from the lists" : "Type ids instead"}
            </Button>
          )}
          <RouterLink to={makeVpc}>Build a private VPC</RouterLink>
        </SpaceBetween>
        {used && <RoleNote />}
      </SpaceBetween>
    </ExpandableSection>
  );
}

/** The address of the form for a private VPC with access to these buckets, which returns here. */
function makeVpcPath(returnTo: string, locations: readonly string[]): string {
  const buckets = bucketsOf(locations).map((bucket): [string, string] => ["bucket", bucket]);
  return `/vpc/create?${new URLSearchParams([["return", returnTo], ...buckets])}`;
}

/** Find what a VpcConfig does not contain: the VPC of its subnets, and that VPC's tenancy. */
function useDerived(
  value: VpcValue,
  onChange: (value: VpcValue) => void,
  vpcs: readonly { VpcId?: string | undefined; InstanceTenancy?: string | undefined }[] | undefined,
): void {
  const visible = (vpcs?.length ?? 0) > 0;
  const derived = useVpcOf(value.subnets, visible && value.vpc === "");
  const vpc = value.vpc !== "" ? value.vpc : (derived ?? "");
  const tenancy = vpcs?.find(({ VpcId }) => VpcId === vpc)?.InstanceTenancy;
  useEffect(() => {
    if (vpc === "" || (vpc === value.vpc && tenancy === value.tenancy)) return;
    onChange({ ...value, vpc, tenancy });
  }, [vpc, tenancy, value, onChange]);
}

function CannotList({ error, makeVpc }: { readonly error: unknown; readonly makeVpc: string }) {
  if (error === null) {
    return (
      <Alert type="info" header="There is no VPC that you may see">
        <RouterLink to={makeVpc}>Build a private VPC</RouterLink> in one form, or type ids that you were given.
      </Alert>
    );
  }
  const { code, message } = readError(error);
  return (
    <Alert type="warning" header={`The VPCs cannot be listed: ${code}`}>
      {message} Type the ids of the subnets and security groups instead.
    </Alert>
  );
}

function RoleNote() {
  return (
    <Alert type="info" header="The role needs permissions for the VPC">
      The service creates the job's network interfaces with the role's permissions, and removes them afterwards. A role
      that is created in this form has them.
      <ExpandableSection headerText="The permissions that the role needs">
        <Box variant="code">{NETWORK_ACTIONS.join(" ")}</Box>
      </ExpandableSection>
    </Alert>
  );
}
