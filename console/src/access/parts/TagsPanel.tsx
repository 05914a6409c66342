import AttributeEditor from "@cloudscape-design/components/attribute-editor";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { ErrorAlert } from "../../components/ErrorAlert";
import { type Tag, type TagChange, tagChange, tagProblem } from "../data/tags";

interface Props {
  readonly tags: readonly Tag[];
  readonly most: number;
  readonly ignoreCase?: boolean;
  readonly onSave: (change: TagChange, wanted: readonly Tag[]) => Promise<void>;
}

/** The tags of something, changed in place. */
export function TagsPanel({ tags, most, ignoreCase = false, onSave }: Props) {
  const [edited, setEdited] = useState<readonly Tag[]>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const shown = edited ?? tags;
  const wrong = shown.some((_, index) => tagProblem(shown, index, ignoreCase) !== undefined);
  const set = (index: number, part: Partial<Tag>): void =>
    setEdited(shown.map((tag, at) => (at === index ? { ...tag, ...part } : tag)));
  const save = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await onSave(tagChange(tags, shown), shown);
      setEdited(undefined);
    } catch (thrown) {
      setError(thrown);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Container
      header={
        <Header
          variant="h2"
          counter={`(${tags.length})`}
          description="Policies can ask for tags, for example aws:PrincipalTag/team or aws:ResourceTag/team."
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              {edited !== undefined && <Button onClick={() => setEdited(undefined)}>Discard</Button>}
              <Button disabled={edited === undefined || wrong} loading={busy} onClick={() => void save()}>
                Save tags
              </Button>
            </SpaceBetween>
          }
        >
          Tags
        </Header>
      }
    >
      <SpaceBetween size="m">
        {error !== undefined && <ErrorAlert what="The tags cannot be saved" error={error} />}
        <AttributeEditor
          items={shown}
          addButtonText="Add tag"
          removeButtonText="Remove"
          removeButtonAriaLabel={(tag) => `Remove tag ${tag.Key}`}
          disableAddButton={shown.length >= most}
          additionalInfo={`At most ${most} tags.`}
          empty="No tags."
          onAddButtonClick={() => setEdited([...shown, { Key: "", Value: "" }])}
          onRemoveButtonClick={({ detail }) => setEdited(shown.filter((_, index) => index !== detail.itemIndex))}
          definition={[
            {
              label: "Key",
              errorText: (_, index) => tagProblem(shown, index, ignoreCase),
              control: (tag, index) => (
                <Input value={tag.Key} onChange={({ detail }) => set(index, { Key: detail.value })} />
              ),
            },
            {
              label: "Value",
              control: (tag, index) => (
                <Input value={tag.Value} onChange={({ detail }) => set(index, { Value: detail.value })} />
              ),
            },
          ]}
        />
      </SpaceBetween>
    </Container>
  );
}
