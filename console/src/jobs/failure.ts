import { principalHref } from "../access/data/names";
import type { S3Place } from "../create/parts/s3Uri";
import { modelPath } from "../models/arn";
import { nounOf, pathOf } from "../vpc/ids";
import { storagePath, storagePlace } from "./places";
import type { JobProperties } from "./properties";

/** A link to the page where something is changed. */
export interface Place {
  readonly label: string;
  readonly to: string;
}

/** Why a job failed, and the one thing to change. */
export interface Failure {
  readonly code: string;
  readonly text: string;
  readonly advice: string;
  /** Commands that the message contains. */
  readonly commands: readonly string[];
  readonly place?: Place | undefined;
  /** The id of the denied request, with which the denial can be explained. */
  readonly requestId?: string | undefined;
}

/** What a link is derived from. ``copy`` is the address of a form with the job's values. */
interface Facts {
  readonly text: string;
  readonly job: JobProperties;
  readonly copy: string | undefined;
}

interface Entry {
  readonly advice: string;
  readonly place: (facts: Facts) => Place | undefined;
}

const ID = /\b(?:vpce|vpc|subnet|rtb|sg|eni|igw|nat|dopt)-[0-9a-f]{8,17}\b/g;
const COMMAND = /`([^`]+)`/g;
const REQUEST = /; request ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b/;

const ROLE: Entry["place"] = ({ job }) => link("Role", principalHref(job.DataAccessRoleArn ?? ""));
const COPY: Entry["place"] = ({ copy }) => link("Copy it and correct it", copy);
const INPUT: Entry["place"] = ({ job }) => storage("Input", storagePlace(job.InputDataConfig?.S3Uri));
const MODEL: Entry["place"] = ({ job }) => {
  const arn = job.EntityRecognizerArn ?? job.DocumentClassifierArn;
  return arn === undefined ? undefined : { label: "Model", to: modelPath(arn) };
};

const COPY_ENTRY = (advice: string): Entry => ({ advice, place: COPY });

const ENTRIES: Readonly<Record<string, Entry>> = {
  ROLE_NOT_ASSUMABLE: {
    advice: "Correct the trust policy of the role: comprehend.amazonaws.com must be allowed to call sts:AssumeRole.",
    place: ROLE,
  },
  NO_PERMISSION_FOR_NETWORK_INTERFACE: {
    advice:
      "Allow the action that the message names in a policy of the role. A job in a VPC makes network interfaces there, as the role.",
    place: ROLE,
  },
  SUBNET_NOT_FOUND: COPY_ENTRY("Name a subnet that exists in the account of the role."),
  SECURITY_GROUP_NOT_FOUND: COPY_ENTRY("Name a security group that exists in the account of the role."),
  SUBNETS_IN_DIFFERENT_VPCS: COPY_ENTRY("Name subnets of one VPC."),
  SECURITY_GROUP_NOT_IN_VPC: COPY_ENTRY("Name security groups of the VPC that the subnets are in."),
  VPC_TENANCY_NOT_SUPPORTED: COPY_ENTRY("Use subnets of a VPC with default tenancy."),
  INSUFFICIENT_IP_ADDRESSES: {
    advice:
      "Delete unused interfaces, or use a larger subnet. A released address can be used again after up to 60 seconds.",
    place: (facts) => network(facts, ["subnet"]),
  },
  CONTAINERS_CANNOT_CONNECT: {
    advice: "Let the members of the job's security group reach each other at TCP 8786 to 8788.",
    place: (facts) => network(facts, ["sg", "rtb"]),
  },
  NO_ROUTE_TO_STORAGE: {
    advice: "Change the one thing that the message names, so that the subnet can reach S3.",
    place: (facts) => network(facts, ["sg", "rtb", "vpce", "dopt", "vpc", "nat", "igw", "subnet"]),
  },
  NO_READ_ACCESS_TO_INPUT: {
    advice: "Change the policy that decided: of the role, of the bucket, or of the VPC endpoint.",
    place: (facts) => decidingPolicy(facts, facts.job.InputDataConfig?.S3Uri),
  },
  NO_WRITE_ACCESS_TO_OUTPUT: {
    advice: "Change the policy that decided: of the role, of the bucket, or of the VPC endpoint.",
    place: (facts) => decidingPolicy(facts, facts.job.OutputDataConfig?.S3Uri),
  },
  NO_ROOM_FOR_OUTPUT: COPY_ENTRY("Delete objects, or have the operator raise the setting that the message names."),
  INPUT_NOT_FOUND: {
    advice:
      "Correct the input's S3 location: it is matched literally as the beginning of keys. Do not change the input while a job reads it.",
    place: INPUT,
  },
  INPUT_TOO_SMALL: { advice: "Add documents to the input.", place: INPUT },
  INPUT_TOO_LARGE: { advice: "Split the input into several jobs.", place: INPUT },
  TOO_MANY_DOCUMENTS: { advice: "Split the input into several jobs.", place: INPUT },
  OUTPUT_TOO_LARGE: {
    advice: "Split the input into several jobs: the results do not fit the container's disk.",
    place: INPUT,
  },
  NO_ACCESS_TO_MODEL_BUCKET: {
    advice: "Add the statement that the message quotes to the policy of the VPC endpoint.",
    place: (facts) => network(facts, ["vpce"]) ?? { label: "Endpoints", to: "/vpc/endpoints" },
  },
  MODEL_NOT_FOUND: { advice: "Train the model again.", place: MODEL },
  MODEL_TAMPERED: {
    advice: "Train the model again: its file was changed after its training.",
    place: MODEL,
  },
  DATA_LAKE_CHANGED: {
    advice: "Restore the object that the message names, or make the dataset again in another flywheel.",
    place: () => undefined,
  },
  FOREIGN_DATA_LAKE: {
    advice: "Use another DataLakeS3Uri or FlywheelName for the flywheel.",
    place: () => undefined,
  },
  INVALID_TRAINING_DATA: { advice: "Correct the file that the message names.", place: INPUT },
  INSUFFICIENT_TRAINING_DATA: { advice: "Add examples, or remove the label.", place: INPUT },
  STALE_RECALL_PROFILE: COPY_ENTRY(
    "Calibrate again with your sample, store the new recall profile, and start the job with it.",
  ),
  NO_CREDENTIALS_FOR_MODEL: COPY_ENTRY("Start the job again. If it fails again, the log of the product says why."),
  CLUSTER_LOST: COPY_ENTRY("Start the job again. If it happens again, look for what ends processes on the host."),
  INSUFFICIENT_HOST_CAPACITY: COPY_ENTRY(
    "Ask the operator to lower READING_ROOM_CONTAINER_MEMORY or READING_ROOM_CONTAINER_CPUS, or to use a larger host.",
  ),
  INTERNAL_ERROR: COPY_ENTRY("Start the job again. If it fails again, the log of the product says more."),
};

/** Interpret the Message of a failed job. ``copy`` is the address of a form with the job's values. */
export function readFailure(job: JobProperties, copy?: string): Failure | undefined {
  if (job.Message === undefined || job.Message === "") return undefined;
  const found = /^([A-Z][A-Z_]+): (.*)$/s.exec(job.Message);
  const code = found?.[1] ?? "FAILED";
  const text = found?.[2] ?? job.Message;
  const entry = ENTRIES[code];
  return {
    code,
    text,
    advice: entry?.advice ?? "See the story of the job for the steps before it.",
    commands: [...new Set([...text.matchAll(COMMAND)].map(([, command]) => command ?? ""))],
    place: entry?.place({ text, job, copy }),
    requestId: REQUEST.exec(text)?.[1],
  };
}

/** The first resource of these kinds in the message, which names what decided before what it decided about. */
function network({ text, job }: Facts, prefixes: readonly string[]): Place | undefined {
  const named = [...text.matchAll(ID)].map(([id]) => id);
  // The subnet at the beginning of the message is where the job was, not what is wrong.
  const decisive = named.filter((id) => prefixes.includes(prefixOf(id)) && !id.startsWith("subnet-"));
  const subnets = prefixes.includes("subnet") ? [...named, ...(job.VpcConfig?.Subnets ?? [])] : [];
  return placeOf(decisive[0] ?? subnets.find((id) => id.startsWith("subnet-")));
}

function placeOf(id: string | undefined): Place | undefined {
  return id === undefined ? undefined : link(sentence(`${nounOf(id)} ${id}`), pathOf(id));
}

function decidingPolicy(facts: Facts, uri: string | undefined): Place | undefined {
  const { text } = facts;
  // The last sentence names what decided; the one before it is the error that the caller of S3 got.
  if (/VPC endpoint policy/.test(text)) {
    return network(facts, ["vpce"]) ?? { label: "Endpoints", to: "/vpc/endpoints" };
  }
  if (/explicit deny in a resource-based policy|of resource-based policy/.test(text)) {
    return storage("Bucket", storagePlace(uri));
  }
  return ROLE(facts);
}

function prefixOf(id: string): string {
  return id.slice(0, id.indexOf("-"));
}

function storage(label: string, place: S3Place | undefined): Place | undefined {
  return place && { label: `${label}: ${place.bucket}`, to: storagePath(place) };
}

function link(label: string, to: string | undefined): Place | undefined {
  return to === undefined ? undefined : { label, to };
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
