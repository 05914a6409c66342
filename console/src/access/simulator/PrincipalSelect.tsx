import FormField from "@cloudscape-design/components/form-field";
import Select from "@cloudscape-design/components/select";
import { useGroups, useRoles, useUsers } from "../data/queries";

interface Props {
  readonly label: string;
  readonly value: string;
  readonly onChange: (arn: string) => void;
}

/** A choice of a user, role or group of the account, by ARN. */
export function PrincipalSelect({ label, value, onChange }: Props) {
  const [users, roles, groups] = [useUsers(), useRoles(), useGroups()];
  const all = [users, roles, groups];
  const options = [
    {
      label: "Users",
      options: (users.data ?? []).map((each) => ({ value: each.Arn ?? "", label: each.UserName ?? "" })),
    },
    {
      label: "Roles",
      options: (roles.data ?? []).map((each) => ({ value: each.Arn ?? "", label: each.RoleName ?? "" })),
    },
    {
      label: "Groups",
      options: (groups.data ?? []).map((each) => ({ value: each.Arn ?? "", label: each.GroupName ?? "" })),
    },
  ].filter((group) => group.options.length > 0);
  const known = options.flatMap((group) => group.options).find((option) => option.value === value);
  return (
    <FormField label={label}>
      <Select
        selectedOption={known ?? (value === "" ? null : { value, label: value })}
        options={options}
        filteringType="auto"
        placeholder="Choose a user, role or group"
        statusType={
          all.some((each) => each.isPending) ? "loading" : all.some((each) => each.isError) ? "error" : "finished"
        }
        errorText="Some of them cannot be listed"
        onChange={({ detail }) => onChange(detail.selectedOption.value ?? "")}
      />
    </FormField>
  );
}
