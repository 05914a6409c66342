import { CreateVpcEndpointCommand, type VpcEndpointType } from "@aws-sdk/client-ec2";
import { getConfig } from "../../api/config";
import { useSignedIn } from "../../session/session";
import { endpointServices, routeTables, securityGroups, subnets, vpcs } from "../data/reads";
import { useChange, useRead } from "../data/use";
import { nameTag } from "../ids";
import { closedPolicy } from "../policy/closed";
import { groupChoices, subnetChoices, tableChoices, vpcChoices } from "./choices";
import { FieldsModal } from "./FieldsModal";
import { linesOf } from "./fields";

interface Values extends Record<string, string | readonly string[] | boolean> {
  type: string;
  vpc: string;
  service: string;
  name: string;
  tables: readonly string[];
  subnets: readonly string[];
  groups: readonly string[];
  privateDns: boolean;
  closed: boolean;
  buckets: string;
}

export function CreateEndpoint({ onDismiss }: { readonly onDismiss: () => void }) {
  const change = useChange();
  const { account } = useSignedIn().identity;
  const nets = useRead(vpcs).data;
  const services = useRead(endpointServices).data ?? [];
  const tables = useRead(routeTables).data;
  const places = useRead(subnets).data;
  const groups = useRead(securityGroups).data;
  const isGateway = (values: Values): boolean => values.type === "Gateway";
  const initial: Values = {
    type: "Gateway",
    vpc: "",
    service: "",
    name: "",
    tables: [],
    subnets: [],
    groups: [],
    privateDns: true,
    closed: true,
    buckets: "",
  };
  return (
    <FieldsModal<Values>
      title="Create endpoint"
      action="Create endpoint"
      onDismiss={onDismiss}
      initial={initial}
      fields={[
        { key: "name", label: "Name", kind: "text", optional: true },
        {
          key: "type",
          label: "Type",
          kind: "choice",
          choices: () => [
            { value: "Gateway", label: "Gateway", description: "A route to S3: what jobs need. It has no interface." },
            {
              value: "Interface",
              label: "Interface",
              description: "Reach a service through addresses in your own subnets.",
            },
          ],
          changed: (values) => ({ ...values, service: "" }),
        },
        {
          key: "service",
          label: "Service",
          kind: "select",
          choices: ({ type }) =>
            services
              .filter((service) => service.ServiceType?.some((each) => each.ServiceType === type))
              .map((service) => ({ value: service.ServiceName ?? "", label: service.ServiceName ?? "" })),
        },
        {
          key: "vpc",
          label: "VPC",
          kind: "select",
          choices: () => vpcChoices(nets),
          changed: (values) => ({ ...values, tables: [], subnets: [], groups: [] }),
        },
        {
          key: "tables",
          label: "Route tables",
          kind: "multi",
          shown: isGateway,
          description: "Subnets of these tables reach S3 through the endpoint.",
          choices: ({ vpc }) => tableChoices(tables, vpc),
        },
        {
          key: "subnets",
          label: "Subnets",
          kind: "multi",
          shown: (values) => !isGateway(values),
          description: "The endpoint has an interface in each; one subnet per zone.",
          choices: ({ vpc }) => subnetChoices(places, vpc),
        },
        {
          key: "groups",
          label: "Security groups",
          kind: "multi",
          optional: true,
          shown: (values) => !isGateway(values),
          description: "Their inbound rules decide who may connect to it. By default it has the VPC's default group.",
          choices: ({ vpc }) => groupChoices(groups, vpc),
        },
        {
          key: "privateDns",
          label: "Private DNS",
          kind: "check",
          shown: (values) => !isGateway(values),
          description: "The service's usual names resolve to the endpoint. The VPC needs both DNS attributes.",
        },
        {
          key: "closed",
          label: "Closed: only my account and these buckets",
          kind: "check",
          shown: ({ service }) => service.endsWith(".s3"),
          description: "Otherwise everything is allowed. You can edit the policy on the endpoint's page.",
        },
        {
          key: "buckets",
          label: "Buckets",
          kind: "lines",
          shown: ({ service, closed }) => service.endsWith(".s3") && closed,
          description: "The buckets that jobs read and write, one per line.",
          placeholder: "my-documents",
        },
      ]}
      onSubmit={(values) =>
        change("The endpoint is created.", (ec2) =>
          ec2.send(
            new CreateVpcEndpointCommand({
              VpcEndpointType: values.type as VpcEndpointType,
              VpcId: values.vpc,
              ServiceName: values.service,
              TagSpecifications: nameTag("vpc-endpoint", values.name),
              ...(values.service.endsWith(".s3") &&
                values.closed && {
                  PolicyDocument: closedPolicy(account, linesOf(values.buckets), getConfig().region),
                }),
              ...(isGateway(values)
                ? { RouteTableIds: [...values.tables] }
                : {
                    SubnetIds: [...values.subnets],
                    SecurityGroupIds: [...values.groups],
                    PrivateDnsEnabled: values.privateDns,
                  }),
            }),
          ),
        )
      }
    />
  );
}
