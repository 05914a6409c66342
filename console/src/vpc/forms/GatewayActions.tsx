import {
  type Address,
  AssociateAddressCommand,
  AttachInternetGatewayCommand,
  DetachInternetGatewayCommand,
  DisassociateAddressCommand,
  type EC2Client,
  type InternetGateway,
} from "@aws-sdk/client-ec2";
import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { ConfirmModal } from "../../components/ConfirmModal";
import { interfaces, vpcs } from "../data/reads";
import { useChange, useRead } from "../data/use";
import { interfaceChoices, vpcChoices } from "./choices";
import { FieldsModal } from "./FieldsModal";

export function InternetGatewayActions({ item }: { readonly item: InternetGateway }) {
  const nets = useRead(vpcs).data;
  const InternetGatewayId = item.InternetGatewayId;
  const VpcId = item.Attachments?.[0]?.VpcId;
  return (
    <Toggle
      on={VpcId !== undefined}
      join="Attach to VPC"
      part="Detach"
      warning="Everything in the VPC that uses it loses its access to the outside."
      label="VPC"
      choices={vpcChoices(nets)}
      onJoin={(ec2, vpc) => ec2.send(new AttachInternetGatewayCommand({ InternetGatewayId, VpcId: vpc }))}
      onPart={(ec2) => ec2.send(new DetachInternetGatewayCommand({ InternetGatewayId, VpcId }))}
    />
  );
}

export function AddressActions({ item }: { readonly item: Address }) {
  const ends = useRead(interfaces).data;
  return (
    <Toggle
      on={item.AssociationId !== undefined}
      join="Associate"
      part="Disassociate"
      warning="The interface will have no public address."
      label="Network interface"
      choices={interfaceChoices(ends?.filter((each) => !each.RequesterManaged))}
      onJoin={(ec2, NetworkInterfaceId) =>
        ec2.send(new AssociateAddressCommand({ AllocationId: item.AllocationId, NetworkInterfaceId }))
      }
      onPart={(ec2) => ec2.send(new DisassociateAddressCommand({ AssociationId: item.AssociationId }))}
    />
  );
}

interface ToggleProps {
  /** Whether it is attached or associated now. */
  readonly on: boolean;
  readonly join: string;
  readonly part: string;
  readonly warning: string;
  readonly label: string;
  readonly choices: readonly { readonly value: string; readonly label: string }[];
  readonly onJoin: (ec2: EC2Client, chosen: string) => Promise<unknown>;
  readonly onPart: (ec2: EC2Client) => Promise<unknown>;
}

/** A button that attaches or associates a resource with another, or undoes that. */
function Toggle({ on, join, part, warning, label, choices, onJoin, onPart }: ToggleProps) {
  const [open, setOpen] = useState(false);
  const change = useChange();
  return (
    <>
      <Button onClick={() => setOpen(true)}>{on ? part : join}</Button>
      {open && on && (
        <ConfirmModal
          title={`${part}?`}
          action={part}
          onDismiss={() => setOpen(false)}
          onConfirm={async () => {
            await change(`${part}: done.`, onPart);
            setOpen(false);
          }}
        >
          {warning}
        </ConfirmModal>
      )}
      {open && !on && (
        <FieldsModal
          title={join}
          action={join}
          initial={{ to: "" }}
          onDismiss={() => setOpen(false)}
          fields={[{ key: "to", label, kind: "select", choices: () => choices }]}
          onSubmit={({ to }) => change(`${join}: done.`, (ec2) => onJoin(ec2, to))}
        />
      )}
    </>
  );
}
