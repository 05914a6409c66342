import { Fragment } from "react";
import { useParams } from "react-router";
import { NotFoundPage } from "../app/NotFoundPage";
import { SECTIONS } from "./kinds";

/** A resource, whose id determines its type within its section. */
export default function ResourcePage() {
  const { type = "", id = "" } = useParams();
  const section = Object.hasOwn(SECTIONS, type) ? SECTIONS[type] : undefined;
  const kind = section?.kinds.find((each) => id.startsWith(each.idPrefix));
  return kind === undefined ? <NotFoundPage /> : <Fragment key={id}>{kind.view(id)}</Fragment>;
}
