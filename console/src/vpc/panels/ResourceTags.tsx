import { CreateTagsCommand, DeleteTagsCommand } from "@aws-sdk/client-ec2";
import { TagsPanel } from "../../components/tags/TagsPanel";
import { type DescribedTag, describedTags } from "../../components/tags/tags";
import { useChange } from "../data/use";

interface Props {
  readonly id: string;
  readonly tags: readonly DescribedTag[] | undefined;
}

/** The tags of a network resource. */
export function ResourceTags({ id, tags }: Props) {
  const change = useChange();
  return (
    <TagsPanel
      key={id}
      tags={describedTags(tags)}
      description="Tags are your own labels for a resource. The lists show the tag Name."
      onSave={({ removed, set }) =>
        change(`The tags of ${id} are saved.`, async (ec2) => {
          if (removed.length > 0)
            await ec2.send(new DeleteTagsCommand({ Resources: [id], Tags: removed.map((Key) => ({ Key })) }));
          if (set.length > 0) await ec2.send(new CreateTagsCommand({ Resources: [id], Tags: set }));
        })
      }
    />
  );
}
