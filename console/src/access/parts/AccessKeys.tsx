import * as api from "@aws-sdk/client-iam";
import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import Modal from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useIam } from "../../api/iam";
import { ConfirmModal } from "../../components/ConfirmModal";
import { formatTime } from "../../components/format";
import { useNotices } from "../../components/Notifications";
import { ResourceTable } from "../../components/ResourceTable";
import { accessKeysOf } from "../data/holdings";
import { useIamChanged } from "../data/queries";

type Key = api.AccessKeyMetadata & { readonly used: api.AccessKeyLastUsed | undefined };

/** The access keys of a user. A secret is in this page's memory until its dialog is closed, and nowhere else. */
export function AccessKeys({ userName }: { readonly userName: string }) {
  const iam = useIam();
  const changed = useIamChanged();
  const notices = useNotices();
  const [made, setMade] = useState<api.AccessKey>();
  const [deleted, setDeleted] = useState<Key>();
  const [creating, setCreating] = useState(false);
  const keys = useQuery({
    queryKey: ["iam", "ListAccessKeys", userName],
    queryFn: async (): Promise<Key[]> =>
      Promise.all(
        (await accessKeysOf(iam, userName)).map(async (key) => {
          const answer = await iam.send(new api.GetAccessKeyLastUsedCommand({ AccessKeyId: key.AccessKeyId }));
          return { ...key, used: answer.AccessKeyLastUsed };
        }),
      ),
  });
  const create = async (): Promise<void> => {
    setCreating(true);
    try {
      const { AccessKey } = await iam.send(new api.CreateAccessKeyCommand({ UserName: userName }));
      setMade(AccessKey);
      await changed();
    } catch (error) {
      notices.failure("The access key cannot be created", error);
    } finally {
      setCreating(false);
    }
  };
  const turn = async (key: Key): Promise<void> => {
    const Status = key.Status === "Active" ? "Inactive" : "Active";
    try {
      await iam.send(
        new api.UpdateAccessKeyCommand({ UserName: userName, AccessKeyId: key.AccessKeyId ?? "", Status }),
      );
      await changed();
    } catch (error) {
      notices.failure(`The access key ${key.AccessKeyId} cannot be changed`, error);
    }
  };
  return (
    <>
      <ResourceTable
        title="Access keys"
        noun="access key"
        description="To rotate: create a second key, use it everywhere, switch the first off, and delete it when nothing fails."
        items={keys.data}
        loading={keys.isPending}
        error={keys.error}
        onRefresh={() => void keys.refetch()}
        keyOf={(key) => key.AccessKeyId ?? ""}
        actions={
          <Button
            loading={creating}
            disabled={(keys.data?.length ?? 0) >= 2}
            disabledReason="A user has at most two access keys. Delete one first."
            onClick={() => void create()}
          >
            Create access key
          </Button>
        }
        empty="Programs sign their requests with an access key. Create one; its secret is shown once."
        columns={[
          { id: "id", header: "Access key", value: (key) => key.AccessKeyId, cell: (key) => key.AccessKeyId },
          {
            id: "status",
            header: "Status",
            value: (key) => key.Status,
            cell: (key) => (
              <StatusIndicator type={key.Status === "Active" ? "success" : "stopped"}>{key.Status}</StatusIndicator>
            ),
          },
          {
            id: "created",
            header: "Created",
            value: (key) => key.CreateDate?.getTime(),
            cell: (key) => key.CreateDate && formatTime(key.CreateDate),
          },
          {
            id: "used",
            header: "Last used",
            value: (key) => key.used?.LastUsedDate?.getTime(),
            cell: (key) =>
              key.used?.LastUsedDate ? `${formatTime(key.used.LastUsedDate)}, ${key.used.ServiceName}` : "Never",
          },
          {
            id: "actions",
            header: "Actions",
            cell: (key) => (
              <SpaceBetween direction="horizontal" size="s">
                <Button
                  variant="inline-link"
                  ariaLabel={`${key.Status === "Active" ? "Switch off" : "Switch on"} ${key.AccessKeyId}`}
                  onClick={() => void turn(key)}
                >
                  {key.Status === "Active" ? "Switch off" : "Switch on"}
                </Button>
                <Button variant="inline-link" ariaLabel={`Delete ${key.AccessKeyId}`} onClick={() => setDeleted(key)}>
                  Delete
                </Button>
              </SpaceBetween>
            ),
          },
        ]}
      />
      {made !== undefined && <SecretModal made={made} onDismiss={() => setMade(undefined)} />}
      {deleted !== undefined && (
        <ConfirmModal
          title="Delete access key"
          action="Delete"
          typed={deleted.AccessKeyId ?? ""}
          onDismiss={() => setDeleted(undefined)}
          onConfirm={async () => {
            await iam.send(
              new api.DeleteAccessKeyCommand({ UserName: userName, AccessKeyId: deleted.AccessKeyId ?? "" }),
            );
            setDeleted(undefined);
            notices.success(`The access key ${deleted.AccessKeyId} is deleted.`);
            await changed();
          }}
        >
          Requests signed with this key will be refused. This cannot be undone.{" "}
          {deleted.Status === "Active" && "Switch it off first, to see whether anything still needs it."}
        </ConfirmModal>
      )}
    </>
  );
}

function SecretModal({ made, onDismiss }: { readonly made: api.AccessKey; readonly onDismiss: () => void }) {
  const [shown, setShown] = useState(false);
  return (
    <Modal
      visible
      header="Access key created"
      closeAriaLabel="Close"
      onDismiss={onDismiss}
      footer={
        <Button variant="primary" onClick={onDismiss}>
          I have stored the secret
        </Button>
      }
    >
      <SpaceBetween size="m">
        <Alert type="warning">Store the secret now. It is shown only once, and cannot be read again.</Alert>
        <KeyValuePairs
          items={[
            {
              label: "Access key",
              value: (
                <CopyToClipboard
                  variant="inline"
                  textToCopy={made.AccessKeyId ?? ""}
                  copyButtonAriaLabel="Copy access key"
                  copySuccessText="Copied"
                  copyErrorText="Not copied: select the text and copy it"
                />
              ),
            },
            {
              label: "Secret access key",
              value: (
                <SpaceBetween direction="horizontal" size="xs">
                  <CopyToClipboard
                    variant="inline"
                    textToDisplay={shown ? (made.SecretAccessKey ?? "") : "•".repeat(12)}
                    textToCopy={made.SecretAccessKey ?? ""}
                    copyButtonAriaLabel="Copy secret access key"
                    copySuccessText="Copied"
                    copyErrorText="Not copied: show the secret, select it and copy it"
                  />
                  <Button
                    variant="inline-link"
                    ariaLabel={shown ? "Hide secret" : "Show secret"}
                    onClick={() => setShown(!shown)}
                  >
                    {shown ? "Hide" : "Show"}
                  </Button>
                </SpaceBetween>
              ),
            },
          ]}
        />
      </SpaceBetween>
    </Modal>
  );
}
