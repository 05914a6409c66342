import { GetAccountSummaryCommand } from "@aws-sdk/client-iam";
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import Cards from "@cloudscape-design/components/cards";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs from "@cloudscape-design/components/key-value-pairs";
import { useQuery } from "@tanstack/react-query";
import { useIam } from "../api/iam";
import { useSts } from "../api/sts";
import { ErrorAlert } from "../components/ErrorAlert";
import { formatNumber } from "../components/format";
import { Page } from "../components/Page";
import { RouterLink } from "../components/RouterLink";
import { principalHref } from "./data/names";

interface Part {
  readonly title: string;
  readonly href: string;
  readonly text: string;
  /** The name of its count in GetAccountSummary. */
  readonly count?: string;
}

const PARTS: readonly Part[] = [
  { title: "Users", href: "/access/users", count: "Users", text: "People and programs with access keys of their own." },
  { title: "Groups", href: "/access/groups", count: "Groups", text: "Policies that many users share." },
  {
    title: "Roles",
    href: "/access/roles",
    count: "Roles",
    text: "Permissions that a job, a service or a user assumes for a while. Every job needs one.",
  },
  {
    title: "Policies",
    href: "/access/policies",
    count: "Policies",
    text: "What is allowed and what is denied. AWS's own policies are included.",
  },
  {
    title: "Policy simulator",
    href: "/access/simulator",
    text: "Check whether an action would be allowed, without performing it.",
  },
  { title: "Explain a denial", href: "/access/explain", text: "Why a request was refused, statement by statement." },
  { title: "Trail", href: "/access/trail", text: "Who did what and when, including what was refused." },
];

export default function AccessHomePage() {
  const iam = useIam();
  const sts = useSts();
  const who = useQuery({
    queryKey: ["sts", "GetCallerIdentity"],
    queryFn: () => sts.send(new GetCallerIdentityCommand({})),
  });
  const summary = useQuery({
    queryKey: ["iam", "GetAccountSummary"],
    queryFn: async (): Promise<Readonly<Record<string, number>>> =>
      (await iam.send(new GetAccountSummaryCommand({}))).SummaryMap ?? {},
  });
  const arn = who.data?.Arn;
  const page = arn === undefined ? undefined : principalHref(arn);
  return (
    <Page title="Access" description="Who may do what. A change takes effect with the next request.">
      <Container header={<Header variant="h2">Who you are</Header>}>
        {who.error ? (
          <ErrorAlert what="Your identity cannot be shown" error={who.error} onRetry={() => void who.refetch()} />
        ) : (
          <KeyValuePairs
            columns={3}
            items={[
              { label: "ARN", value: page !== undefined ? <RouterLink to={page}>{arn}</RouterLink> : (arn ?? "-") },
              { label: "Account", value: who.data?.Account ?? "-" },
              { label: "Unique id", value: who.data?.UserId ?? "-" },
            ]}
          />
        )}
      </Container>
      {summary.error && (
        <ErrorAlert what="The counts cannot be read" error={summary.error} onRetry={() => void summary.refetch()} />
      )}
      <Cards
        items={PARTS}
        trackBy="href"
        ariaLabels={{ itemSelectionLabel: () => "", selectionGroupLabel: "" }}
        cardsPerRow={[{ cards: 1 }, { minWidth: 560, cards: 2 }, { minWidth: 960, cards: 3 }]}
        cardDefinition={{
          header: (part) => (
            <RouterLink to={part.href} fontSize="heading-m">
              {part.title}
            </RouterLink>
          ),
          sections: [
            {
              id: "count",
              content: (part) => {
                if (part.count === undefined || summary.data === undefined) return null;
                const quota = summary.data[`${part.count}Quota`];
                return `${formatNumber(summary.data[part.count] ?? 0)}${quota === undefined ? "" : ` of at most ${formatNumber(quota)}`}`;
              },
            },
            { id: "text", content: (part) => part.text },
          ],
        }}
      />
    </Page>
  );
}
