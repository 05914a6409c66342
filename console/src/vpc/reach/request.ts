import type { CreateNetworkInsightsPathCommandInput, Protocol } from "@aws-sdk/client-ec2";
import { parseAddress } from "../cidr";

export type DestinationKind = "s3" | "interface" | "endpoint" | "address" | "gateway";

/** The values of the form: what should reach what? */
export interface Question {
  /** Where the packet starts: at an existing resource, or at an interface like a job's. */
  readonly from: "resource" | "subnet";
  readonly source: string;
  readonly subnet: string;
  readonly group: string;
  readonly kind: DestinationKind;
  /** The id of the destination, if it is a resource. */
  readonly destination: string;
  readonly address: string;
  readonly protocol: Protocol;
  readonly port: string;
}

export type QuestionProblems = Partial<Record<keyof Question, string>>;

export function questionProblems(question: Question): QuestionProblems {
  const problems: QuestionProblems = {};
  if (question.from === "resource" && question.source === "") problems.source = "Choose where the packet starts.";
  if (question.from === "subnet" && question.subnet === "") problems.subnet = "Choose the subnet.";
  if (question.from === "subnet" && question.group === "") problems.group = "Choose a security group.";
  const isResource = question.kind !== "s3" && question.kind !== "address";
  if (isResource && question.destination === "") problems.destination = "Choose where the packet should arrive.";
  if (
    isResource &&
    question.destination !== "" &&
    question.from === "resource" &&
    question.destination === question.source
  )
    problems.destination = "Choose a destination other than the source.";
  if (question.kind === "address" && parseAddress(question.address) === undefined)
    problems.address = "Enter an IPv4 address such as 10.0.1.7.";
  const port = Number(question.port);
  if (question.port.trim() !== "" && !(Number.isInteger(port) && port >= 1 && port <= 65535))
    problems.port = "Enter a port from 1 to 65535, or leave it empty for any.";
  return problems;
}

/** The request of CreateNetworkInsightsPath; for S3 it has one of the addresses to which S3's names resolve. */
export function pathRequest(
  question: Question,
  s3Network: string | undefined,
  token: string,
): CreateNetworkInsightsPathCommandInput {
  const { source, kind, destination, address, protocol, port } = question;
  const to =
    kind === "s3"
      ? { DestinationIp: s3Network?.split("/")[0] }
      : kind === "address"
        ? { DestinationIp: address.trim() }
        : { Destination: destination };
  return {
    Source: source,
    Protocol: protocol,
    ClientToken: token,
    ...to,
    ...(port.trim() !== "" && { DestinationPort: Number(port) }),
  };
}
