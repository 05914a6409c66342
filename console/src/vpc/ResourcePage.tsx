import { Fragment } from "react";
import { useParams } from "react-router";
import { NotFoundPage } from "../app/NotFoundPage";
import { SECTIONS } from "./kinds";

/** One resource, whose id says which type of its section it is. */
export default function ResourcePage() {
  const { type = "", id = "" } = useParams();
  const section = Object.hasOwn(SECTIONS, type) ? SECTIONS[type] : undefined;
  const kind = section?.kinds.find((each) => id.startsWith(each.idPrefix));
  return kind === undefined ? <NotFoundPage /> : <Fragment key={id}>{kind.view(id)}</Fragment>;
}
