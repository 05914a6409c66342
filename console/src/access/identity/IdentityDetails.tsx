import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useState } from "react";
import { useIam } from "../../api/iam";
import { ErrorAlert } from "../../components/ErrorAlert";
import { formatDuration, formatTime } from "../../components/format";
import { useNotices } from "../../components/Notifications";
import { Page } from "../../components/Page";
import { RouterButton } from "../../components/RouterButton";
import { TagsPanel } from "../../components/tags/TagsPanel";
import { describedTags } from "../../components/tags/tags";
import { holdingsOf, removeIdentity } from "../data/holdings";
import type { Identity } from "../data/identities";
import { type IdentityType, NOUN } from "../data/names";
import { useIamChanged, useIdentity } from "../data/queries";
import { saveTags } from "../data/tags";
import { AccessKeys } from "../parts/AccessKeys";
import { AttachedPolicies } from "../parts/AttachedPolicies";
import { BoundaryPanel } from "../parts/BoundaryPanel";
import { DeleteIdentity } from "../parts/DeleteIdentity";
import { GroupsPanel } from "../parts/GroupsPanel";
import { InlinePolicies } from "../parts/InlinePolicies";
import { TrustPolicy } from "../parts/TrustPolicy";

/** A user, role or group, and all that belongs to it. */
export function IdentityDetails({ type, name }: { readonly type: IdentityType; readonly name: string }) {
  const iam = useIam();
  const identity = useIdentity(type, name);
  const [deleting, setDeleting] = useState(false);
  const plural = type.charAt(0).toUpperCase() + type.slice(1);
  const arn = identity.data?.arn;
  return (
    <Page
      title={name}
      above={[
        { text: "Access", href: "/access" },
        { text: plural, href: `/access/${type}` },
      ]}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          {arn !== undefined && (
            <RouterButton to={`/access/simulator?principal=${encodeURIComponent(arn)}`}>Simulate</RouterButton>
          )}
          <Button disabled={identity.data === undefined} onClick={() => setDeleting(true)}>
            Delete {NOUN[type]}
          </Button>
        </SpaceBetween>
      }
    >
      {identity.isPending && (
        <Box>
          <Spinner /> Loading the {NOUN[type]}
        </Box>
      )}
      {identity.error && (
        <ErrorAlert
          what={`The ${NOUN[type]} cannot be shown`}
          error={identity.error}
          onRetry={() => void identity.refetch()}
        />
      )}
      {identity.data && <Parts identity={identity.data} />}
      {deleting && (
        <DeleteIdentity
          type={type}
          name={name}
          find={() => holdingsOf(iam, type, name)}
          remove={(holdings) => removeIdentity(iam, type, name, holdings)}
          onDismiss={() => setDeleting(false)}
        />
      )}
    </Page>
  );
}

function Parts({ identity }: { readonly identity: Identity }) {
  const { type, name } = identity;
  const iam = useIam();
  const changed = useIamChanged();
  const notices = useNotices();
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">Summary</Header>}>
        <KeyValuePairs columns={3} items={summary(identity)} />
      </Container>
      {type !== "roles" && <GroupsPanel identity={identity} />}
      <AttachedPolicies type={type} name={name} />
      <InlinePolicies type={type} name={name} />
      {type === "users" && <AccessKeys userName={name} />}
      {identity.trust !== undefined && <TrustPolicy key={identity.trust} roleName={name} text={identity.trust} />}
      {type !== "groups" && (
        <SpaceBetween size="l">
          <BoundaryPanel identity={identity} />
          <TagsPanel
            tags={describedTags(identity.tags)}
            ignoreCase
            onSave={async (change) => {
              await saveTags(iam, type, name, change);
              notices.success(`The tags of ${name} are saved.`);
              await changed();
            }}
          />
        </SpaceBetween>
      )}
    </SpaceBetween>
  );
}

function summary(identity: Identity): { label: string; value: string }[] {
  const { arn, id, path, created, description, maxSession, lastUsed, type } = identity;
  return [
    { label: "ARN", value: arn },
    { label: "Unique id", value: id },
    { label: "Path", value: path },
    { label: "Created", value: created ? formatTime(created) : "-" },
    ...(type === "roles"
      ? [
          { label: "Description", value: description || "-" },
          { label: "Longest session", value: maxSession === undefined ? "-" : formatDuration(maxSession * 1000) },
          { label: "Last used", value: lastUsed ? formatTime(lastUsed) : "-" },
        ]
      : []),
  ];
}
