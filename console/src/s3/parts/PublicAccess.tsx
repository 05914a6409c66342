import {
  GetPublicAccessBlockCommand,
  type PublicAccessBlockConfiguration,
  PutPublicAccessBlockCommand,
} from "@aws-sdk/client-s3";
import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import Toggle from "@cloudscape-design/components/toggle";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useS3 } from "../../api/s3";
import { ConfirmModal } from "../../components/ConfirmModal";
import { ErrorAlert } from "../../components/ErrorAlert";
import { useNotices } from "../../components/Notifications";
import { useSetting } from "./useSetting";

type Name = keyof PublicAccessBlockConfiguration;

const PARTS: readonly (readonly [Name, string, string])[] = [
  ["BlockPublicPolicy", "Refuse public policies", "A bucket policy that gives everybody access cannot be saved."],
  [
    "RestrictPublicBuckets",
    "Ignore public policies",
    "A public policy gives no access to anybody outside the account.",
  ],
  ["BlockPublicAcls", "Refuse public access control lists", "Lists that give everybody access cannot be set."],
  ["IgnorePublicAcls", "Ignore public access control lists", "Lists that give everybody access have no effect."],
];

/** The settings that keep a bucket from being public, whatever its policy says. */
export function PublicAccess({ bucket }: { readonly bucket: string }) {
  const s3 = useS3();
  const queries = useQueryClient();
  const notices = useNotices();
  const [opening, setOpening] = useState<Name>();
  const block = useSetting(
    bucket,
    "GetPublicAccessBlock",
    "NoSuchPublicAccessBlockConfiguration",
    async () =>
      (await s3.send(new GetPublicAccessBlockCommand({ Bucket: bucket }))).PublicAccessBlockConfiguration ?? {},
  );
  const put = async (name: Name, on: boolean): Promise<void> => {
    const PublicAccessBlockConfiguration = { ...block.data, [name]: on };
    await s3.send(new PutPublicAccessBlockCommand({ Bucket: bucket, PublicAccessBlockConfiguration }));
    await queries.invalidateQueries({ queryKey: ["s3", "GetPublicAccessBlock", bucket] });
  };
  const close = async (name: Name): Promise<void> => {
    try {
      await put(name, true);
    } catch (error) {
      notices.failure("The setting cannot be changed", error);
    }
  };
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="All four are on for a new bucket. Leave them on unless the bucket is meant to be public."
        >
          Block public access
        </Header>
      }
    >
      {block.isPending && (
        <Box>
          <Spinner /> Loading
        </Box>
      )}
      {block.error && <ErrorAlert what="The setting cannot be read" error={block.error} />}
      {block.data !== undefined && (
        <SpaceBetween size="m">
          {PARTS.map(([name, label, description]) => (
            <Toggle
              key={name}
              checked={block.data?.[name] === true}
              description={description}
              onChange={({ detail }) => {
                if (detail.checked) void close(name);
                else setOpening(name);
              }}
            >
              {label}
            </Toggle>
          ))}
        </SpaceBetween>
      )}
      {opening !== undefined && (
        <ConfirmModal
          title={`Turn off ${opening}`}
          action="Turn off"
          typed={bucket}
          onDismiss={() => setOpening(undefined)}
          onConfirm={async () => {
            await put(opening, false);
            setOpening(undefined);
          }}
        >
          A policy can then give access to everybody who can reach the API, without a key.
        </ConfirmModal>
      )}
    </Container>
  );
}
