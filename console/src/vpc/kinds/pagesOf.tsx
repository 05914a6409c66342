import { KindList } from "./KindList";
import { KindView } from "./KindView";
import type { Kind, KindPages } from "./kind";

/** The pages of a type. */
export function pagesOf<Item>(kind: Kind<Item>): KindPages {
  return {
    path: kind.path,
    title: kind.title,
    noun: kind.noun,
    idPrefix: kind.idPrefix,
    list: () => <KindList kind={kind} />,
    view: (id) => <KindView kind={kind} id={id} />,
  };
}
