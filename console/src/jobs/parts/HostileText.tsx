import { Fragment } from "react";
import { RouterLink } from "../../components/RouterLink";
import { pathOf } from "../../vpc/ids";

const ID = /\b((?:vpce|vpc|subnet|rtb|sg|eni|igw|nat|dopt|pl)-[0-9a-f]{8,17})\b/;

/** Text written by others: isolated from its surroundings, with its ids as links to their pages. */
export function HostileText({ text }: { readonly text: string }) {
  return (
    <bdi>
      {text.split(ID).map((part, index) => {
        const path = index % 2 === 1 ? pathOf(part) : undefined;
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text have no other key, and never move.
        return <Fragment key={index}>{path === undefined ? part : <RouterLink to={path}>{part}</RouterLink>}</Fragment>;
      })}
    </bdi>
  );
}
