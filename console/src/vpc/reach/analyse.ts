import {
  CreateNetworkInsightsPathCommand,
  CreateNetworkInterfaceCommand,
  DeleteNetworkInsightsAnalysisCommand,
  DeleteNetworkInsightsPathCommand,
  DeleteNetworkInterfaceCommand,
  DescribeManagedPrefixListsCommand,
  DescribeNetworkInsightsAnalysesCommand,
  type EC2Client,
  GetManagedPrefixListEntriesCommand,
  type NetworkInsightsAnalysis,
  StartNetworkInsightsAnalysisCommand,
} from "@aws-sdk/client-ec2";
import { pathRequest, type Question } from "./request";

const WAIT_MILLISECONDS = 500;
const MOST_WAITS = 120;

/** Run an analysis, and delete what was created for it. */
export async function analyse(ec2: EC2Client, region: string, question: Question): Promise<NetworkInsightsAnalysis> {
  if (question.from === "resource") return await ask(ec2, region, question);
  // AWS analyzes only from interfaces, so one like a job's exists for the duration of the analysis.
  const { NetworkInterface } = await ec2.send(
    new CreateNetworkInterfaceCommand({
      SubnetId: question.subnet,
      Groups: [question.group],
      Description: "Reachability: deleted after the analysis",
    }),
  );
  const NetworkInterfaceId = NetworkInterface?.NetworkInterfaceId;
  if (NetworkInterfaceId === undefined) throw new Error("CreateNetworkInterface answered without an id");
  try {
    return await ask(ec2, region, { ...question, source: NetworkInterfaceId });
  } finally {
    await ec2.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId }));
  }
}

async function ask(ec2: EC2Client, region: string, question: Question): Promise<NetworkInsightsAnalysis> {
  const network = question.kind === "s3" ? await firstNetworkOfS3(ec2, region) : undefined;
  const { NetworkInsightsPath } = await ec2.send(
    new CreateNetworkInsightsPathCommand(pathRequest(question, network, crypto.randomUUID())),
  );
  const NetworkInsightsPathId = NetworkInsightsPath?.NetworkInsightsPathId;
  let analysisId: string | undefined;
  try {
    const { NetworkInsightsAnalysis } = await ec2.send(
      new StartNetworkInsightsAnalysisCommand({ NetworkInsightsPathId, ClientToken: crypto.randomUUID() }),
    );
    analysisId = NetworkInsightsAnalysis?.NetworkInsightsAnalysisId;
    return await ended(ec2, analysisId ?? "");
  } finally {
    if (analysisId !== undefined)
      await ec2.send(new DeleteNetworkInsightsAnalysisCommand({ NetworkInsightsAnalysisId: analysisId }));
    await ec2.send(new DeleteNetworkInsightsPathCommand({ NetworkInsightsPathId }));
  }
}

/** The first network of S3's prefix list. */
async function firstNetworkOfS3(ec2: EC2Client, region: string): Promise<string> {
  const name = `com.amazonaws.${region}.s3`;
  const { PrefixLists } = await ec2.send(
    new DescribeManagedPrefixListsCommand({ Filters: [{ Name: "prefix-list-name", Values: [name] }] }),
  );
  const PrefixListId = PrefixLists?.[0]?.PrefixListId;
  if (PrefixListId === undefined) throw new Error(`There is no prefix list ${name}.`);
  const { Entries } = await ec2.send(new GetManagedPrefixListEntriesCommand({ PrefixListId }));
  const cidr = Entries?.[0]?.Cidr;
  if (cidr === undefined) throw new Error(`The prefix list ${PrefixListId} has no networks.`);
  return cidr;
}

/** Wait for the end of the analysis. Throws its error. */
async function ended(ec2: EC2Client, id: string): Promise<NetworkInsightsAnalysis> {
  for (let wait = 0; wait < MOST_WAITS; wait += 1) {
    const { NetworkInsightsAnalyses } = await ec2.send(
      new DescribeNetworkInsightsAnalysesCommand({ NetworkInsightsAnalysisIds: [id] }),
    );
    const analysis = NetworkInsightsAnalyses?.[0];
    if (analysis?.Status === "succeeded") return analysis;
    if (analysis?.Status === "failed")
      throw new Error(analysis.StatusMessage ?? "The analysis failed without a reason.");
    await new Promise((resolve) => window.setTimeout(resolve, WAIT_MILLISECONDS));
  }
  throw new Error("The analysis has not ended after a minute. Try again.");
}
