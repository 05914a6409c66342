import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useState } from "react";
import { useNavigate } from "react-router";
import { ErrorAlert } from "../../components/ErrorAlert";
import { Page } from "../../components/Page";
import { RouterLink } from "../../components/RouterLink";
import { useRead } from "../data/use";
import { nameOf } from "../ids";
import { ResourceTags } from "../panels/ResourceTags";
import { DeleteDialog } from "./DeleteResource";
import type { Kind } from "./kind";

interface Props<Item> {
  readonly kind: Kind<Item>;
  readonly id: string;
}

/** A resource: its properties, its editors, and what belongs to it. */
export function KindView<Item>({ kind, id }: Props<Item>) {
  const { data, error, isPending, refetch } = useRead(kind.read);
  const [deleting, setDeleting] = useState(false);
  const navigate = useNavigate();
  const item = data?.find((each) => kind.idOf(each) === id);
  const name = item && nameOf(kind.tagsOf(item));
  return (
    <Page
      title={id}
      description={name === undefined ? undefined : <bdi>{name}</bdi>}
      above={[
        { text: "VPC", href: "/vpc" },
        { text: kind.title, href: kind.path },
      ]}
      actions={
        item !== undefined && (
          <SpaceBetween direction="horizontal" size="xs">
            {kind.Actions && <kind.Actions item={item} />}
            {kind.remove && <Button onClick={() => setDeleting(true)}>{kind.remove.verb ?? "Delete"}</Button>}
          </SpaceBetween>
        )
      }
    >
      {error !== null && (
        <ErrorAlert what={`${kind.title} cannot be read`} error={error} onRetry={() => void refetch()} />
      )}
      {isPending && (
        <Box>
          <Spinner /> Loading
        </Box>
      )}
      {data !== undefined && item === undefined && (
        <Box variant="p">
          There is no {kind.noun} {id}. It may have been deleted in the meantime.{" "}
          <RouterLink to={kind.path}>All {kind.title}</RouterLink>
        </Box>
      )}
      {item !== undefined && (
        <SpaceBetween size="l">
          <Container header={<Header variant="h2">Details</Header>}>
            <KeyValuePairs
              columns={3}
              items={kind.details(item).map(({ label, value }) => ({ label, value: value ?? "-" }))}
            />
          </Container>
          {kind.panels?.map((Panel, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the panels of a type are a fixed list without names.
            <Panel key={index} item={item} />
          ))}
          {/* The tags of the account's own resources can be edited; AWS's own have none. */}
          <ResourceTags id={id} tags={kind.tagsOf(item)} />
        </SpaceBetween>
      )}
      {deleting && item !== undefined && (
        <DeleteDialog kind={kind} item={item} onDismiss={() => setDeleting(false)} onDone={() => navigate(kind.path)} />
      )}
    </Page>
  );
}
