import { principalHref } from "../../access/data/names";
import { RouterLink } from "../../components/RouterLink";
import { storagePath, storagePlace } from "../places";

/** An S3 URI as a link to its folder; other text stays text. */
export function StorageLink({ uri }: { readonly uri: string | undefined }) {
  const place = storagePlace(uri);
  if (uri === undefined) return <>-</>;
  return place === undefined ? (
    <bdi>{uri}</bdi>
  ) : (
    <RouterLink to={storagePath(place)}>
      <bdi>{uri}</bdi>
    </RouterLink>
  );
}

/** The ARN of a role as a link to its page. */
export function RoleLink({ arn }: { readonly arn: string | undefined }) {
  if (arn === undefined) return <>-</>;
  const page = principalHref(arn);
  return page === undefined ? <bdi>{arn}</bdi> : <RouterLink to={page}>{arn}</RouterLink>;
}
