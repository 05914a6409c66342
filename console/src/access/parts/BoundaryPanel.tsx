import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useIam } from "../../api/iam";
import { ConfirmModal } from "../../components/ConfirmModal";
import { FormModal } from "../../components/FormModal";
import { useNotices } from "../../components/Notifications";
import { RouterLink } from "../../components/RouterLink";
import { type Identity, setBoundary } from "../data/identities";
import { identityHref, policyName } from "../data/names";
import { useIamChanged } from "../data/queries";
import { PolicySelect } from "./PolicySelect";

/** The permissions boundary of a user or role. */
export function BoundaryPanel({ identity }: { readonly identity: Identity }) {
  const { type, name, boundary } = identity;
  const iam = useIam();
  const changed = useIamChanged();
  const notices = useNotices();
  const [open, setOpen] = useState<"set" | "remove">();
  const [chosen, setChosen] = useState("");
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="A boundary limits the other policies: an action must be allowed by a policy and by the boundary."
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              {boundary !== undefined && <Button onClick={() => setOpen("remove")}>Remove boundary</Button>}
              <Button onClick={() => setOpen("set")}>
                {boundary === undefined ? "Set boundary" : "Change boundary"}
              </Button>
            </SpaceBetween>
          }
        >
          Permissions boundary
        </Header>
      }
    >
      {boundary === undefined ? (
        <Box color="text-body-secondary">No boundary: the policies alone decide.</Box>
      ) : (
        <RouterLink to={identityHref("policies", boundary)}>{policyName(boundary)}</RouterLink>
      )}
      {open === "set" && (
        <FormModal
          title={`Permissions boundary of ${name}`}
          action="Set boundary"
          what="The boundary cannot be set"
          disabled={chosen === ""}
          onDismiss={() => setOpen(undefined)}
          onSubmit={async () => {
            await setBoundary(iam, type, name, chosen);
            setOpen(undefined);
            notices.success(`${policyName(chosen)} bounds ${name}.`);
            await changed();
          }}
        >
          <PolicySelect label="Policy" value={chosen} onChange={setChosen} />
        </FormModal>
      )}
      {open === "remove" && (
        <ConfirmModal
          title="Remove permissions boundary"
          action="Remove"
          onDismiss={() => setOpen(undefined)}
          onConfirm={async () => {
            await setBoundary(iam, type, name, undefined);
            setOpen(undefined);
            notices.success(`${name} has no permissions boundary any more.`);
            await changed();
          }}
        >
          {name} will be able to do everything that its policies allow.
        </ConfirmModal>
      )}
    </Container>
  );
}
