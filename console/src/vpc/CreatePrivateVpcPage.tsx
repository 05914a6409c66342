import type { Vpc } from "@aws-sdk/client-ec2";
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMemo, useState } from "react";
import { useSearchParams } from "react-router";
import { getConfig } from "../api/config";
import { useEc2 } from "../api/ec2";
import { useIam } from "../api/iam";
import { ErrorAlert } from "../components/ErrorAlert";
import { Page } from "../components/Page";
import { RouterButton } from "../components/RouterButton";
import { useBuckets } from "../create/parts/useStorage";
import { useSignedIn } from "../session/session";
import { vpcs, zones } from "./data/reads";
import { useRead, useRefresh } from "./data/use";
import { nameOf } from "./ids";
import { PlanForm } from "./private/PlanForm";
import { ProgressPanel } from "./private/ProgressPanel";
import { completed, firstFree, type PrivateVpc, planProblems, planSentences, returnAddress } from "./private/plan";
import { type Progress, runSteps } from "./private/run";
import { type Step, stepsOf } from "./private/steps";

/** The most buckets that are filled in by default. */
const MOST_BUCKETS = 10;

/** A form that creates a private VPC for jobs. It shows the plan first, and then each step as it is done. */
export default function CreatePrivateVpcPage() {
  const [query] = useSearchParams();
  const ec2 = useEc2();
  const iam = useIam();
  const { account } = useSignedIn().identity;
  const places = useRead(zones, false);
  const refresh = useRefresh();
  const networks = useRead(vpcs, false);
  const [chosen, setChosen] = useState<Partial<PrivateVpc>>(() => {
    const named = query.getAll("bucket");
    return named.length === 0 ? {} : { buckets: named };
  });
  const [bucketText, setBucketText] = useState<string>();
  const buckets = useBuckets();
  const [tried, setTried] = useState(false);
  const [run, setRun] = useState<{ readonly steps: readonly Step[]; readonly progress: Progress }>();
  const first = useMemo(() => {
    // Jobs use buckets of the account: if there are few, all of them are filled in.
    const few = buckets.data !== undefined && buckets.data.length <= MOST_BUCKETS ? buckets.data : [];
    return { ...firstFree((networks.data ?? []).map(existing)), buckets: few };
  }, [networks.data, buckets.data]);
  const wanted = completed(first, chosen);
  const problems = planProblems(wanted);
  const change = (part: Partial<PrivateVpc>): void => setChosen((known) => ({ ...known, ...part }));
  const start = async (): Promise<void> => {
    setTried(true);
    if (Object.keys(problems).length > 0) return;
    const names = (places.data ?? []).flatMap((zone) => zone.ZoneName ?? []);
    const steps = stepsOf(wanted, { ec2, iam, account, region: getConfig().region, zones: names });
    // The names of a running plan must not change with the list of VPCs.
    setChosen(wanted);
    await runSteps(steps, (progress) => setRun({ steps, progress }));
    await refresh();
  };
  const progress = run?.progress;
  const done = progress?.finished === true && progress.error === undefined;
  const back = done
    ? returnAddress(query.get("return"), {
        vpc: progress.ids.vpc,
        subnets: progress.ids.subnets,
        groups: [progress.ids.group],
      })
    : undefined;
  return (
    <Page
      title="Build a private VPC for jobs"
      description="A network with access to your buckets in S3 and to nothing else."
      above={[{ text: "VPC", href: "/vpc" }]}
    >
      {run === undefined && (
        <SpaceBetween size="l">
          <PlanForm
            value={wanted}
            problems={tried ? problems : {}}
            bucketText={bucketText ?? wanted.buckets.join("\n")}
            onChange={change}
            onBuckets={(text, buckets) => {
              setBucketText(text);
              change({ buckets });
            }}
          />
          <Container header={<Header variant="h2">What will be created</Header>}>
            <ol>
              {planSentences(wanted).map((sentence) => (
                <li key={sentence}>
                  <bdi>{sentence}</bdi>
                </li>
              ))}
            </ol>
          </Container>
          {places.error !== null && (
            <ErrorAlert
              what="The zones for the subnets cannot be listed"
              error={places.error}
              onRetry={() => void places.refetch()}
            />
          )}
          {tried && Object.keys(problems).length > 0 && (
            <Alert type="error">Correct the fields above before anything is created.</Alert>
          )}
          <Box float="right">
            <SpaceBetween direction="horizontal" size="xs">
              <RouterButton variant="link" to={safeBack(query.get("return"))}>
                Cancel
              </RouterButton>
              <Button
                variant="primary"
                disabled={places.data === undefined || networks.isPending}
                onClick={() => void start()}
              >
                Build private VPC
              </Button>
            </SpaceBetween>
          </Box>
        </SpaceBetween>
      )}
      {run !== undefined && (
        <ProgressPanel
          steps={run.steps}
          progress={run.progress}
          onRemoved={(made) => {
            setRun({ ...run, progress: { ...run.progress, made } });
            void refresh();
          }}
        />
      )}
      {progress?.finished && progress.error !== undefined && (
        <Button onClick={() => setRun(undefined)}>Back to the form</Button>
      )}
      {done && (
        <Alert
          type="success"
          header="The private VPC is ready"
          action={
            <SpaceBetween direction="horizontal" size="xs">
              <RouterButton to={`/vpc/map?vpc=${progress.ids.vpc}`}>Resource map</RouterButton>
              <RouterButton
                variant="primary"
                to={
                  back ??
                  `/jobs/create?vpc=${progress.ids.vpc}&subnets=${progress.ids.subnets.join(",")}&groups=${progress.ids.group}`
                }
              >
                {back === undefined ? "Create a job in it" : "Go on with the job"}
              </RouterButton>
            </SpaceBetween>
          }
        >
          A job in it needs a role that may create and delete its network interfaces. The form for a new job can create
          one.
        </Alert>
      )}
    </Page>
  );
}

function existing({ Tags, CidrBlockAssociationSet, CidrBlock }: Vpc) {
  const more = (CidrBlockAssociationSet ?? []).flatMap((block) => block.CidrBlock ?? []);
  return { name: nameOf(Tags), blocks: [...(CidrBlock === undefined ? [] : [CidrBlock]), ...more] };
}

/** The address for "Cancel": the page that the user came from, if it is one of the console. */
function safeBack(back: string | null): string {
  return back !== null && /^\/[a-z]/.test(back) ? back : "/vpc";
}
