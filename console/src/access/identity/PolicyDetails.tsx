import * as api from "@aws-sdk/client-iam";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useIam } from "../../api/iam";
import { ErrorAlert } from "../../components/ErrorAlert";
import { formatTime } from "../../components/format";
import { useNotices } from "../../components/Notifications";
import { Page } from "../../components/Page";
import { ResourceTable } from "../../components/ResourceTable";
import { RouterLink } from "../../components/RouterLink";
import { TagsPanel } from "../../components/tags/TagsPanel";
import { describedTags } from "../../components/tags/tags";
import { holdingsOfPolicy, usesOf } from "../data/holdings";
import { identityHref, isAwsOwn, NOUN, policyName } from "../data/names";
import { useIamChanged } from "../data/queries";
import { saveTags } from "../data/tags";
import { DeleteIdentity } from "../parts/DeleteIdentity";
import { PolicyVersions } from "./PolicyVersions";

const ABOVE = [
  { text: "Access", href: "/access" },
  { text: "Policies", href: "/access/policies" },
];

/** A managed policy: its versions, and what it is attached to. */
export function PolicyDetails({ arn }: { readonly arn: string }) {
  const iam = useIam();
  const changed = useIamChanged();
  const notices = useNotices();
  const [deleting, setDeleting] = useState(false);
  const own = !isAwsOwn(arn);
  const policy = useQuery({
    queryKey: ["iam", "GetPolicy", arn],
    queryFn: async () => (await iam.send(new api.GetPolicyCommand({ PolicyArn: arn }))).Policy ?? {},
  });
  return (
    <Page
      title={policyName(arn)}
      above={ABOVE}
      description={policy.data?.Description}
      actions={
        own && (
          <Button disabled={policy.data === undefined} onClick={() => setDeleting(true)}>
            Delete policy
          </Button>
        )
      }
    >
      {policy.isPending && (
        <Box>
          <Spinner /> Loading the policy
        </Box>
      )}
      {policy.error && (
        <ErrorAlert what="The policy cannot be shown" error={policy.error} onRetry={() => void policy.refetch()} />
      )}
      {policy.data && (
        <SpaceBetween size="l">
          <Container header={<Header variant="h2">Summary</Header>}>
            <KeyValuePairs
              columns={3}
              items={[
                { label: "ARN", value: arn },
                { label: "Unique id", value: policy.data.PolicyId ?? "-" },
                { label: "Kind", value: own ? "This account's" : "AWS's own: it cannot be changed" },
                { label: "Default version", value: policy.data.DefaultVersionId ?? "-" },
                { label: "Changed", value: policy.data.UpdateDate ? formatTime(policy.data.UpdateDate) : "-" },
              ]}
            />
          </Container>
          <PolicyVersions arn={arn} defaultVersion={policy.data.DefaultVersionId ?? "v1"} editable={own} />
          <Uses arn={arn} />
          {own && (
            <TagsPanel
              tags={describedTags(policy.data.Tags)}
              ignoreCase
              onSave={async (change) => {
                await saveTags(iam, "policies", arn, change);
                notices.success(`The tags of ${policyName(arn)} are saved.`);
                await changed();
              }}
            />
          )}
        </SpaceBetween>
      )}
      {deleting && (
        <DeleteIdentity
          type="policies"
          name={policyName(arn)}
          find={() => holdingsOfPolicy(iam, arn)}
          remove={async (holdings) => {
            for (const holding of holdings) await holding.remove();
            await iam.send(new api.DeletePolicyCommand({ PolicyArn: arn }));
          }}
          onDismiss={() => setDeleting(false)}
        />
      )}
    </Page>
  );
}

function Uses({ arn }: { readonly arn: string }) {
  const iam = useIam();
  const uses = useQuery({ queryKey: ["iam", "ListEntitiesForPolicy", arn], queryFn: () => usesOf(iam, arn) });
  return (
    <ResourceTable
      title="Who has it"
      noun="use"
      items={uses.data}
      loading={uses.isPending}
      error={uses.error}
      onRefresh={() => void uses.refetch()}
      keyOf={(use) => `${use.type} ${use.name} ${use.as}`}
      empty="This policy is not attached to anything. Attach it on the page of a user, role or group."
      columns={[
        {
          id: "name",
          header: "Name",
          value: (use) => use.name,
          cell: (use) => <RouterLink to={identityHref(use.type, use.name)}>{use.name}</RouterLink>,
        },
        { id: "type", header: "Type", value: (use) => NOUN[use.type], cell: (use) => NOUN[use.type] },
        { id: "as", header: "Used as", value: (use) => use.as, cell: (use) => use.as },
      ]}
    />
  );
}
