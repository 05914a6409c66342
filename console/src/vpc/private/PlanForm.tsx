import Checkbox from "@cloudscape-design/components/checkbox";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import Multiselect from "@cloudscape-design/components/multiselect";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { endpointServices } from "../data/reads";
import { useRead } from "../data/use";
import { linesOf } from "../forms/fields";
import { MOST_SUBNETS, type PrivateVpc, type Problems } from "./plan";

interface Props {
  readonly value: PrivateVpc;
  readonly problems: Problems;
  readonly bucketText: string;
  readonly onChange: (change: Partial<PrivateVpc>) => void;
  readonly onBuckets: (text: string, buckets: string[]) => void;
}

const COUNTS = Array.from({ length: MOST_SUBNETS }, (_, index) => ({ value: `${index + 1}`, label: `${index + 1}` }));

/** The form for a private VPC. */
export function PlanForm({ value, problems, bucketText, onChange, onBuckets }: Props) {
  const services = (useRead(endpointServices).data ?? [])
    .filter((service) => service.ServiceType?.some((type) => type.ServiceType === "Interface"))
    // S3 already has its gateway endpoint.
    .filter((service) => !service.ServiceName?.endsWith(".s3"))
    .map((service) => ({ value: service.ServiceName ?? "", label: service.ServiceName ?? "" }));
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Network</Header>}>
        <SpaceBetween size="l">
          <FormField label="Name" errorText={problems.name}>
            <Input
              value={value.name}
              autoComplete={false}
              onChange={({ detail }) => onChange({ name: detail.value })}
            />
          </FormField>
          <FormField
            label="CIDR block"
            description="The addresses of the network, /16 to /28."
            errorText={problems.cidr}
          >
            <Input
              value={value.cidr}
              autoComplete={false}
              onChange={({ detail }) => onChange({ cidr: detail.value })}
            />
          </FormField>
          <FormField
            label="Number of subnets"
            description="Each in its own zone. AWS recommends two."
            errorText={problems.subnets}
          >
            <Select
              options={COUNTS}
              selectedOption={COUNTS[value.subnets - 1] ?? null}
              onChange={({ detail }) => onChange({ subnets: Number(detail.selectedOption.value) })}
            />
          </FormField>
        </SpaceBetween>
      </Container>
      <Container header={<Header variant="h2">Access to S3</Header>}>
        <SpaceBetween size="l">
          <Checkbox
            checked={value.closed}
            onChange={({ detail }) => onChange({ closed: detail.checked })}
            description="Nobody can copy documents out with keys of another account, or to another bucket."
          >
            Closed: only my account and these buckets
          </Checkbox>
          {value.closed && (
            <FormField
              label="Buckets"
              description="The buckets that jobs read and write, one per line."
              errorText={problems.buckets}
            >
              <Textarea
                value={bucketText}
                rows={3}
                placeholder="my-documents"
                onChange={({ detail }) => onBuckets(detail.value, linesOf(detail.value))}
              />
            </FormField>
          )}
        </SpaceBetween>
      </Container>
      <Container header={<Header variant="h2">Flow log</Header>}>
        <SpaceBetween size="l">
          <Checkbox
            checked={value.flowLog}
            onChange={({ detail }) => onChange({ flowLog: detail.checked })}
            description="All traffic is recorded, accepted or rejected."
          >
            Record flows in CloudWatch Logs
          </Checkbox>
          {value.flowLog && (
            <SpaceBetween size="l">
              <FormField label="Log group" errorText={problems.logGroup}>
                <Input
                  value={value.logGroup}
                  autoComplete={false}
                  onChange={({ detail }) => onChange({ logGroup: detail.value })}
                />
              </FormField>
              <FormField
                label="Name of the new role"
                description="It delivers the records."
                errorText={problems.roleName}
              >
                <Input
                  value={value.roleName}
                  autoComplete={false}
                  onChange={({ detail }) => onChange({ roleName: detail.value })}
                />
              </FormField>
            </SpaceBetween>
          )}
        </SpaceBetween>
      </Container>
      <Container header={<Header variant="h2">Interface endpoints</Header>}>
        <FormField
          label={
            <>
              Services <i>– optional</i>
            </>
          }
          description="Jobs need none of them."
        >
          <Multiselect
            options={services}
            selectedOptions={value.services.map((service) => ({ value: service, label: service }))}
            onChange={({ detail }) => onChange({ services: detail.selectedOptions.map((each) => each.value ?? "") })}
            placeholder="Choose services"
            deselectAriaLabel={(option) => `Remove ${option.label}`}
          />
        </FormField>
      </Container>
    </SpaceBetween>
  );
}
