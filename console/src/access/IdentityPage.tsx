import { useParams } from "react-router";
import { NotFoundPage } from "../app/NotFoundPage";
import { isListType } from "./data/names";
import { IdentityDetails } from "./identity/IdentityDetails";
import { PolicyDetails } from "./identity/PolicyDetails";

export default function IdentityPage() {
  const { type, name } = useParams();
  if (!isListType(type) || name === undefined) return <NotFoundPage />;
  if (type === "policies") return <PolicyDetails key={name} arn={name} />;
  return <IdentityDetails key={`${type} ${name}`} type={type} name={name} />;
}
