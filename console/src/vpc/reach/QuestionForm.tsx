import ColumnLayout from "@cloudscape-design/components/column-layout";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import { endpoints, interfaces, internetGateways, securityGroups, subnets } from "../data/reads";
import { useRead } from "../data/use";
import { groupChoices, interfaceChoices, subnetChoices } from "../forms/choices";
import type { Choice } from "../forms/fields";
import { labelOf } from "../ids";
import type { DestinationKind, Question, QuestionProblems } from "./request";

interface Props {
  readonly value: Question;
  readonly problems: QuestionProblems;
  readonly onChange: (change: Partial<Question>) => void;
}

const KINDS: { value: DestinationKind; label: string }[] = [
  { value: "s3", label: "S3" },
  { value: "interface", label: "Network interface" },
  { value: "endpoint", label: "Endpoint" },
  { value: "gateway", label: "Internet gateway" },
  { value: "address", label: "IP address" },
];
const STARTS: { value: Question["from"]; label: string }[] = [
  { value: "resource", label: "A network interface, gateway or endpoint" },
  { value: "subnet", label: "Where a job would be: a subnet and a security group" },
];
const PROTOCOLS = [
  { value: "tcp", label: "TCP" },
  { value: "udp", label: "UDP" },
];

export function QuestionForm({ value, problems, onChange }: Props) {
  const ends = interfaceChoices(useRead(interfaces).data);
  const ways: Choice[] = (useRead(endpoints).data ?? []).map((each) => ({
    value: each.VpcEndpointId ?? "",
    label: labelOf(each.VpcEndpointId, each.Tags),
    description: each.ServiceName,
  }));
  const gateways: Choice[] = (useRead(internetGateways).data ?? []).map((each) => ({
    value: each.InternetGatewayId ?? "",
    label: labelOf(each.InternetGatewayId, each.Tags),
    description: "internet gateway",
  }));
  const networks = useRead(subnets).data;
  const places = subnetChoices(networks);
  const vpc = networks?.find((each) => each.SubnetId === value.subnet)?.VpcId ?? "";
  const groups = groupChoices(useRead(securityGroups).data, vpc);
  const sources = [...ends, ...gateways, ...ways];
  const destinations = value.kind === "interface" ? ends : value.kind === "endpoint" ? ways : gateways;
  return (
    <ColumnLayout columns={2}>
      <FormField label="Start from">
        <Select
          options={STARTS}
          selectedOption={pick(STARTS, value.from)}
          onChange={({ detail }) => onChange({ from: detail.selectedOption.value as Question["from"] })}
        />
      </FormField>
      {value.from === "subnet" && (
        <FormField
          label="Subnet"
          description="A network interface is created there for the analysis, and deleted afterwards."
          errorText={problems.subnet}
        >
          <Select
            options={places}
            selectedOption={pick(places, value.subnet)}
            filteringType="auto"
            placeholder="Choose a subnet"
            empty="There is no subnet. Build a private VPC first."
            onChange={({ detail }) => onChange({ subnet: detail.selectedOption.value ?? "", group: "" })}
          />
        </FormField>
      )}
      {value.from === "subnet" && (
        <FormField label="Security group" description="As the job would have it." errorText={problems.group}>
          <Select
            options={groups}
            selectedOption={pick(groups, value.group)}
            filteringType="auto"
            placeholder="Choose a security group"
            empty="Choose a subnet first."
            onChange={({ detail }) => onChange({ group: detail.selectedOption.value ?? "" })}
          />
        </FormField>
      )}
      {value.from === "resource" && (
        <FormField
          label="Source"
          description="A network interface: that of a job, or one of your own."
          errorText={problems.source}
        >
          <Select
            options={sources}
            selectedOption={pick(sources, value.source)}
            filteringType="auto"
            placeholder="Choose a source"
            empty="There is no interface. A job has one while it runs; start from a subnet instead."
            onChange={({ detail }) => onChange({ source: detail.selectedOption.value ?? "" })}
          />
        </FormField>
      )}
      <FormField label="Destination">
        <Select
          options={KINDS}
          selectedOption={pick(KINDS, value.kind)}
          onChange={({ detail }) => onChange({ kind: detail.selectedOption.value as DestinationKind, destination: "" })}
        />
      </FormField>
      {value.kind === "address" && (
        <FormField label="IP address" errorText={problems.address}>
          <Input
            value={value.address}
            autoComplete={false}
            placeholder="10.0.1.7"
            onChange={({ detail }) => onChange({ address: detail.value })}
          />
        </FormField>
      )}
      {value.kind !== "address" && value.kind !== "s3" && (
        <FormField label="Which one" errorText={problems.destination}>
          <Select
            options={destinations}
            selectedOption={pick(destinations, value.destination)}
            filteringType="auto"
            placeholder="Choose a destination"
            empty="There are no choices."
            onChange={({ detail }) => onChange({ destination: detail.selectedOption.value ?? "" })}
          />
        </FormField>
      )}
      <FormField label="Protocol">
        <Select
          options={PROTOCOLS}
          selectedOption={pick(PROTOCOLS, value.protocol)}
          onChange={({ detail }) => onChange({ protocol: detail.selectedOption.value === "udp" ? "udp" : "tcp" })}
        />
      </FormField>
      <FormField label="Destination port" errorText={problems.port}>
        <Input
          value={value.port}
          inputMode="numeric"
          autoComplete={false}
          placeholder="any"
          onChange={({ detail }) => onChange({ port: detail.value })}
        />
      </FormField>
    </ColumnLayout>
  );
}

function pick(choices: readonly Choice[], value: string): Choice | null {
  return choices.find((choice) => choice.value === value) ?? (value === "" ? null : { value, label: value });
}
