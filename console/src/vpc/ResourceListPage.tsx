import { Fragment } from "react";
import { useParams } from "react-router";
import { NotFoundPage } from "../app/NotFoundPage";
import { Page } from "../components/Page";
import { SECTIONS } from "./kinds";

/** All resources of a type; gateways are several types on one page. */
export default function ResourceListPage() {
  const { type = "" } = useParams();
  const section = Object.hasOwn(SECTIONS, type) ? SECTIONS[type] : undefined;
  if (section === undefined) return <NotFoundPage />;
  return (
    <Page title={section.title} above={[{ text: "VPC", href: "/vpc" }]}>
      {section.kinds.map(({ list, idPrefix }) => (
        <Fragment key={idPrefix}>{list()}</Fragment>
      ))}
    </Page>
  );
}
