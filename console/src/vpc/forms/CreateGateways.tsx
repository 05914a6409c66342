import {
  AllocateAddressCommand,
  AttachInternetGatewayCommand,
  type ConnectivityType,
  CreateInternetGatewayCommand,
  CreateNatGatewayCommand,
} from "@aws-sdk/client-ec2";
import { addresses, subnets, vpcs } from "../data/reads";
import { useChange, useRead } from "../data/use";
import { nameTag } from "../ids";
import { addressChoices, subnetChoices, vpcChoices } from "./choices";
import { FieldsModal } from "./FieldsModal";

interface Props {
  readonly onDismiss: () => void;
}

export function CreateInternetGateway({ onDismiss }: Props) {
  const change = useChange();
  const nets = useRead(vpcs).data;
  return (
    <FieldsModal
      title="Create internet gateway"
      action="Create internet gateway"
      onDismiss={onDismiss}
      initial={{ name: "", vpc: "" }}
      fields={[
        { key: "name", label: "Name", kind: "text", optional: true },
        {
          key: "vpc",
          label: "Attach to VPC",
          kind: "select",
          optional: true,
          description: "A VPC has at most one internet gateway. It also needs a route and a public address.",
          choices: () => vpcChoices(nets),
        },
      ]}
      onSubmit={({ name, vpc }) =>
        change("The internet gateway is created.", async (ec2) => {
          const { InternetGateway } = await ec2.send(
            new CreateInternetGatewayCommand({ TagSpecifications: nameTag("internet-gateway", name) }),
          );
          if (vpc !== "")
            await ec2.send(
              new AttachInternetGatewayCommand({ InternetGatewayId: InternetGateway?.InternetGatewayId, VpcId: vpc }),
            );
        })
      }
    />
  );
}

export function CreateNatGateway({ onDismiss }: Props) {
  const change = useChange();
  const places = useRead(subnets).data;
  const free = useRead(addresses).data;
  return (
    <FieldsModal
      title="Create NAT gateway"
      action="Create NAT gateway"
      onDismiss={onDismiss}
      initial={{ name: "", type: "public", subnet: "", address: "" }}
      fields={[
        { key: "name", label: "Name", kind: "text", optional: true },
        {
          key: "type",
          label: "Type",
          kind: "choice",
          choices: () => [
            {
              value: "public",
              label: "Public",
              description: "Sends with an Elastic IP address, through the internet gateway.",
            },
            { value: "private", label: "Private", description: "Sends with its private address, inside the VPC." },
          ],
        },
        {
          key: "subnet",
          label: "Subnet",
          kind: "select",
          description: "Its route table decides where the gateway sends.",
          choices: () => subnetChoices(places),
        },
        {
          key: "address",
          label: "Elastic IP address",
          kind: "select",
          shown: ({ type }) => type === "public",
          none: "There is no free address. Allocate one first.",
          choices: () => addressChoices(free),
        },
      ]}
      onSubmit={({ name, type, subnet, address }) =>
        change("The NAT gateway is created. Its page shows any problem.", (ec2) =>
          ec2.send(
            new CreateNatGatewayCommand({
              SubnetId: subnet,
              ConnectivityType: type as ConnectivityType,
              ...(type === "public" && { AllocationId: address }),
              TagSpecifications: nameTag("natgateway", name),
            }),
          ),
        )
      }
    />
  );
}

export function CreateAddress({ onDismiss }: Props) {
  const change = useChange();
  return (
    <FieldsModal
      title="Allocate Elastic IP address"
      action="Allocate"
      onDismiss={onDismiss}
      initial={{ name: "" }}
      fields={[{ key: "name", label: "Name", kind: "text", optional: true }]}
      onSubmit={({ name }) =>
        change("The address is allocated.", (ec2) =>
          ec2.send(new AllocateAddressCommand({ Domain: "vpc", TagSpecifications: nameTag("elastic-ip", name) })),
        )
      }
    />
  );
}
