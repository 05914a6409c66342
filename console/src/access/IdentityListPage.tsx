import { useParams } from "react-router";
import { NotFoundPage } from "../app/NotFoundPage";
import { isListType, type ListType } from "./data/names";
import { GroupList, PolicyList, RoleList, UserList } from "./lists/lists";

const LISTS: Readonly<Record<ListType, () => React.JSX.Element>> = {
  users: UserList,
  roles: RoleList,
  groups: GroupList,
  policies: PolicyList,
};

export default function IdentityListPage() {
  const { type } = useParams();
  if (!isListType(type)) return <NotFoundPage />;
  const List = LISTS[type];
  return <List key={type} />;
}
