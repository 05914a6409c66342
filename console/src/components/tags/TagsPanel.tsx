import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { ErrorAlert } from "../ErrorAlert";
import { useAttempt } from "../useAttempt";
import { TagRows } from "./TagRows";
import { areValid, MOST_TAGS, type Tag, type TagChange, tagChange, tagErrors } from "./tags";

interface Props {
  readonly tags: readonly Tag[];
  readonly most?: number;
  /** Whether keys that differ only in case are the same. */
  readonly ignoreCase?: boolean;
  /** What tags are used for here. */
  readonly description?: string;
  readonly onSave: (change: TagChange, wanted: readonly Tag[]) => Promise<void>;
}

const FOR_POLICIES = "Policies can require tags, for example with aws:PrincipalTag/team or aws:ResourceTag/team.";

/** The tags of a resource, edited in place. */
export function TagsPanel(props: Props) {
  const { tags, most = MOST_TAGS, ignoreCase = false, description = FOR_POLICIES, onSave } = props;
  const [edited, setEdited] = useState<readonly Tag[]>();
  const { busy, error, attempt } = useAttempt();
  const shown = edited ?? tags;
  const errors = edited === undefined ? [] : tagErrors(edited, ignoreCase);
  const save = (): Promise<void> =>
    attempt(async () => {
      await onSave(tagChange(tags, shown), shown);
      setEdited(undefined);
    });
  return (
    <Container
      header={
        <Header
          variant="h2"
          counter={`(${tags.length})`}
          description={description}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              {edited !== undefined && <Button onClick={() => setEdited(undefined)}>Discard</Button>}
              <Button
                disabled={edited === undefined || edited.length > most || !areValid(errors)}
                loading={busy}
                onClick={() => void save()}
              >
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
        <TagRows value={shown} onChange={setEdited} errors={errors} most={most} info={`At most ${most} tags.`} />
      </SpaceBetween>
    </Container>
  );
}
