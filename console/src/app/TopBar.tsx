import TopNavigation, { type TopNavigationProps } from "@cloudscape-design/components/top-navigation";
import { useNavigate } from "react-router";
import { getConfig } from "../api/config";
import { leave } from "../session/leave";
import { type Session, signIn, useSession } from "../session/session";
import { setTheme, type Theme, useTheme } from "./theme";

const THEMES: readonly (readonly [Theme, string])[] = [
  ["system", "As the system"],
  ["light", "Light"],
  ["dark", "Dark"],
];

export function TopBar() {
  const session = useSession();
  const theme = useTheme();
  const navigate = useNavigate();
  const utilities: TopNavigationProps.Utility[] = [
    {
      type: "menu-dropdown",
      iconName: "settings",
      ariaLabel: "Theme",
      title: "Theme",
      items: THEMES.map(([id, text]) => ({ id, text, itemType: "checkbox", checked: theme === id })),
      onItemClick: ({ detail }) => setTheme(detail.id as Theme),
    },
  ];
  if (session !== undefined) {
    utilities.push({
      type: "button",
      text: getConfig().region,
      title: "Region",
      ariaLabel: `Region ${getConfig().region}`,
      disableUtilityCollapse: false,
    });
    utilities.push({
      type: "menu-dropdown",
      text: shortName(session),
      description: `Account ${session.identity.account}`,
      iconName: "user-profile",
      items: [
        { id: "arn", text: session.identity.arn, disabled: true },
        { id: "assume", text: "Assume a role" },
        ...(session.from === undefined ? [] : [{ id: "back", text: `Switch back to ${shortName(session.from)}` }]),
        { id: "out", text: "Sign out" },
      ],
      onItemClick: ({ detail }) => {
        if (detail.id === "assume") navigate("/assume-role");
        if (detail.id === "back" && session.from !== undefined) void signIn(session.from);
        if (detail.id === "out") void leave("requested");
      },
    });
  }
  return (
    <TopNavigation
      identity={{
        title: "Reading Room",
        href: "/",
        onFollow: (event) => {
          event.preventDefault();
          navigate("/");
        },
      }}
      utilities={utilities}
    />
  );
}

/** The last part of an ARN: the user's name, or the role's session. */
function shortName(session: Session): string {
  return session.identity.arn.split("/").slice(1).join("/") || session.identity.arn;
}
