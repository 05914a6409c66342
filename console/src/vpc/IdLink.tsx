import { RouterLink } from "../components/RouterLink";
import type { DescribedTag } from "../components/tags/tags";
import { nameOf, pathOf } from "./ids";

interface Props {
  readonly id: string | undefined;
  readonly tags?: readonly DescribedTag[] | undefined;
}

/** An id as a link to its page, with its name from its tags. */
export function IdLink({ id, tags }: Props) {
  if (id === undefined || id === "") return <>-</>;
  const path = pathOf(id);
  const name = nameOf(tags);
  return (
    <>
      <span className="whole-id">{path === undefined ? id : <RouterLink to={path}>{id}</RouterLink>}</span>
      {name !== undefined && <bdi> ({name})</bdi>}
    </>
  );
}

/** Several ids, one below the other; a dash for none. */
export function IdLinks({ ids }: { readonly ids: readonly (string | undefined)[] | undefined }) {
  const known = (ids ?? []).filter((id): id is string => id !== undefined);
  if (known.length === 0) return <>-</>;
  return (
    <>
      {known.map((id) => (
        <div key={id}>
          <IdLink id={id} />
        </div>
      ))}
    </>
  );
}
