import BreadcrumbGroup from "@cloudscape-design/components/breadcrumb-group";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { type ReactNode, useEffect } from "react";
import { useNavigate } from "react-router";

export interface Crumb {
  readonly text: string;
  readonly href: string;
}

interface Props {
  readonly title: string;
  readonly description?: ReactNode;
  readonly actions?: ReactNode;
  /** The pages above this one, the topmost first; this page is added. */
  readonly above?: readonly Crumb[];
  readonly children: ReactNode;
}

/** The frame of every page: its title, breadcrumbs and actions. */
export function Page({ title, description, actions, above = [], children }: Props) {
  const navigate = useNavigate();
  useEffect(() => {
    document.title = `${title} · Reading Room`;
  }, [title]);
  return (
    <ContentLayout
      breadcrumbs={
        above.length > 0 && (
          <BreadcrumbGroup
            items={[...above, { text: title, href: "" }]}
            onFollow={(event) => {
              event.preventDefault();
              if (event.detail.href !== "") navigate(event.detail.href);
            }}
          />
        )
      }
      header={
        <Header variant="h1" description={description} actions={actions}>
          {title}
        </Header>
      }
    >
      <SpaceBetween size="l">{children}</SpaceBetween>
    </ContentLayout>
  );
}
