import * as api from "@aws-sdk/client-iam";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Select from "@cloudscape-design/components/select";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useIam } from "../../api/iam";
import { FormModal } from "../../components/FormModal";
import { useNotices } from "../../components/Notifications";
import { ResourceTable } from "../../components/ResourceTable";
import { RouterLink } from "../../components/RouterLink";
import { groupsOf } from "../data/holdings";
import type { Identity } from "../data/identities";
import { identityHref } from "../data/names";
import { useGroups, useIamChanged, useUsers } from "../data/queries";

/** The groups of a user, or the users of a group. */
export function GroupsPanel({ identity }: { readonly identity: Identity }) {
  const { type, name, members } = identity;
  const ofUser = type === "users";
  const iam = useIam();
  const changed = useIamChanged();
  const notices = useNotices();
  const groups = useQuery({
    queryKey: ["iam", "ListGroupsForUser", name],
    enabled: ofUser,
    queryFn: () => groupsOf(iam, name),
  });
  const [adding, setAdding] = useState(false);
  const names = ofUser
    ? groups.data?.map((group) => group.GroupName ?? "")
    : members.map((member) => member.UserName ?? "");
  const other = ofUser ? "groups" : "users";
  const noun = ofUser ? "group" : "user";
  const pair = (chosen: string) =>
    ofUser ? { UserName: name, GroupName: chosen } : { UserName: chosen, GroupName: name };
  const remove = async (chosen: string): Promise<void> => {
    try {
      await iam.send(new api.RemoveUserFromGroupCommand(pair(chosen)));
      await changed();
    } catch (error) {
      notices.failure(`${pair(chosen).UserName} cannot be removed from ${pair(chosen).GroupName}`, error);
    }
  };
  return (
    <>
      <ResourceTable
        title={ofUser ? "Groups" : "Users in this group"}
        noun={noun}
        items={names}
        loading={ofUser && groups.isPending}
        error={groups.error}
        keyOf={(each) => each}
        actions={<Button onClick={() => setAdding(true)}>{ofUser ? "Add to a group" : "Add a user"}</Button>}
        empty="A group gives its policies to all of its users."
        columns={[
          {
            id: "name",
            header: ofUser ? "Group" : "User",
            value: (each) => each,
            cell: (each) => <RouterLink to={identityHref(other, each)}>{each}</RouterLink>,
          },
          {
            id: "remove",
            header: "Action",
            cell: (each) => (
              <Button variant="inline-link" ariaLabel={`Remove ${each}`} onClick={() => void remove(each)}>
                Remove
              </Button>
            ),
          },
        ]}
      />
      {adding && (
        <AddModal
          noun={noun}
          present={names ?? []}
          onDismiss={() => setAdding(false)}
          onAdd={async (chosen) => {
            await iam.send(new api.AddUserToGroupCommand(pair(chosen)));
            setAdding(false);
            await changed();
          }}
        />
      )}
    </>
  );
}

interface AddProps {
  readonly noun: "group" | "user";
  readonly present: readonly string[];
  readonly onAdd: (name: string) => Promise<void>;
  readonly onDismiss: () => void;
}

function AddModal({ noun, present, onAdd, onDismiss }: AddProps) {
  const groups = useGroups(noun === "group");
  const users = useUsers(noun === "user");
  const [chosen, setChosen] = useState("");
  const all =
    noun === "group"
      ? groups.data?.map((group) => group.GroupName ?? "")
      : users.data?.map((user) => user.UserName ?? "");
  const options = (all ?? []).filter((each) => !present.includes(each)).map((each) => ({ value: each, label: each }));
  const failed = groups.isError || users.isError;
  return (
    <FormModal
      title={noun === "group" ? "Add to a group" : "Add a user"}
      action="Add"
      what={`The ${noun} cannot be added`}
      disabled={chosen === ""}
      onDismiss={onDismiss}
      onSubmit={() => onAdd(chosen)}
    >
      <FormField label={noun === "group" ? "Group" : "User"}>
        <Select
          selectedOption={options.find((option) => option.value === chosen) ?? null}
          options={options}
          filteringType="auto"
          placeholder={`Choose a ${noun}`}
          statusType={failed ? "error" : all === undefined ? "loading" : "finished"}
          errorText={`The ${noun}s cannot be listed`}
          empty={`No other ${noun}`}
          onChange={({ detail }) => setChosen(detail.selectedOption.value ?? "")}
        />
      </FormField>
    </FormModal>
  );
}
