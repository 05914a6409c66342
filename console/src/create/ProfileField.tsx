import FormField from "@cloudscape-design/components/form-field";
import Select, { type SelectProps } from "@cloudscape-design/components/select";
import { RouterLink } from "../components/RouterLink";
import type { Tag } from "../components/tags/tags";
import { PROFILE_TAG, promiseWords, usableFor } from "../profiles/profile";
import { useProfiles } from "../profiles/queries";

interface Props {
  readonly language: string;
  readonly tags: readonly Tag[];
  readonly onChange: (tags: readonly Tag[]) => void;
}

const NONE: SelectProps.Option = { value: "", label: "None", description: "Everything that is found counts." };

/** A choice of a recall profile for a job for personal data, which is a tag of the job. */
export function ProfileField({ language, tags, onChange }: Props) {
  const profiles = useProfiles();
  const named = tags.find(({ Key }) => Key === PROFILE_TAG)?.Value ?? "";
  const options: SelectProps.Option[] = usableFor(profiles.data ?? [], language).map((profile) => ({
    value: profile.Name,
    label: profile.Name,
    description: promiseWords(profile),
  }));
  const chosen = [NONE, ...options].find(({ value }) => value === named);
  return (
    <FormField
      label="Recall profile - optional"
      description="Findings below its thresholds do not count, and the recall that it promises holds for the job."
      constraintText={
        <>
          <RouterLink to="/pii-profiles">Recall profiles</RouterLink> are made from a sample of your documents. The
          choice is the tag {PROFILE_TAG}.
        </>
      }
    >
      <Select
        selectedOption={chosen ?? { value: named, label: named }}
        options={[NONE, ...options]}
        statusType={profiles.isPending ? "loading" : profiles.isError ? "error" : "finished"}
        loadingText="Loading profiles"
        errorText="The profiles cannot be listed"
        onChange={({ detail }) => {
          const name = detail.selectedOption.value ?? "";
          const others = tags.filter(({ Key }) => Key !== PROFILE_TAG);
          onChange(name === "" ? others : [...others, { Key: PROFILE_TAG, Value: name }]);
        }}
      />
    </FormField>
  );
}
