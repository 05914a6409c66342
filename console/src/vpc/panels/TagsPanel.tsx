import { CreateTagsCommand, DeleteTagsCommand } from "@aws-sdk/client-ec2";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import { useState } from "react";
import { useChange } from "../data/use";
import { FormModal } from "../forms/FormModal";
import type { Tag } from "../ids";
import { parseTags, tagChanges, tagLines, tagsProblem } from "./tags";

interface Props {
  readonly id: string;
  readonly tags: readonly Tag[] | undefined;
}

/** A resource's tags, edited as lines of key=value. */
export function TagsPanel({ id, tags = [] }: Props) {
  const [editing, setEditing] = useState(false);
  const change = useChange();
  return (
    <Container
      header={
        <Header
          variant="h2"
          counter={`(${tags.length})`}
          actions={<Button onClick={() => setEditing(true)}>Edit tags</Button>}
        >
          Tags
        </Header>
      }
    >
      {tags.length === 0 ? (
        "Tags are words of your own for a resource. The tag Name is what the lists show."
      ) : (
        <KeyValuePairs
          columns={3}
          items={tags.map((tag) => ({ label: <bdi>{tag.Key}</bdi>, value: <bdi>{tag.Value || "-"}</bdi> }))}
        />
      )}
      {editing && (
        <FormModal
          title={`Tags of ${id}`}
          action="Save tags"
          initial={{ tags: tagLines(tags) }}
          fields={[
            {
              key: "tags",
              label: "Tags",
              kind: "lines",
              optional: true,
              description: "One a line: key=value.",
              placeholder: "Name=readers",
              problem: ({ tags: text }) => tagsProblem(text),
            },
          ]}
          onSubmit={({ tags: text }) =>
            change(`The tags of ${id} are saved.`, async (ec2) => {
              const { removed, set } = tagChanges(tags, parseTags(text));
              if (removed.length > 0)
                await ec2.send(new DeleteTagsCommand({ Resources: [id], Tags: removed.map((Key) => ({ Key })) }));
              if (set.length > 0) await ec2.send(new CreateTagsCommand({ Resources: [id], Tags: set }));
            })
          }
          onDismiss={() => setEditing(false)}
        />
      )}
    </Container>
  );
}
