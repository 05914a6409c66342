import { counted, formatNumber } from "../components/format";
import { type Endpoint, statusOf as endpointStatus, modelWords } from "../endpoints/endpoint";
import { storagePath, storagePlace } from "../jobs/places";
import { modelPath } from "../models/arn";
import { type Dataset, type Flywheel, type Indicator, type Iteration, isMoving, statusOf } from "./flywheel";

/** A line of a stage; with a link if it names something that has a page. */
export interface Fact {
  readonly text: string;
  readonly to?: string;
}

/** A stage of the diagram. */
export interface Stage {
  readonly id: "lake" | "datasets" | "iteration" | "evaluation" | "active" | "endpoints";
  readonly title: string;
  /** What it does now, in a word or two. */
  readonly status: { readonly type: Indicator; readonly label: string };
  readonly facts: readonly Fact[];
}

/** What the diagram shows: undefined as long as it is not known. */
export interface Parts {
  readonly flywheel: Flywheel;
  readonly datasets: readonly Dataset[] | undefined;
  readonly iterations: readonly Iteration[] | undefined;
  readonly endpoints: readonly Endpoint[] | undefined;
}

const UNKNOWN = { type: "pending", label: "Not known" } as const;
const waiting = (label: string) => ({ type: "pending", label }) as const;
const MOST_ENDPOINTS = 4;

/** The six stages of a flywheel, in the order in which data passes them. */
export function stagesOf({ flywheel, datasets, iterations, endpoints }: Parts): Stage[] {
  const latest = iterations?.[0];
  return [
    lake(flywheel),
    ofDatasets(datasets),
    iteration(iterations === undefined, latest),
    evaluation(iterations === undefined, latest),
    active(flywheel),
    following(flywheel, endpoints),
  ];
}

/** Whether a stage hands on to the next one now. */
export function isFlowing(stage: Stage): boolean {
  return stage.status.type === "in-progress";
}

function lake({ status, lake: uri }: Flywheel): Stage {
  const place = storagePlace(uri);
  const word =
    status === "CREATING" || status === "FAILED" || status === "DELETING"
      ? statusOf(status)
      : ({ type: "success", label: "Made" } as const);
  const facts = [{ text: uri, ...(place !== undefined && { to: storagePath(place) }) }];
  return { id: "lake", title: "Data lake", status: word, facts };
}

function ofDatasets(datasets: readonly Dataset[] | undefined): Stage {
  const stage = { id: "datasets", title: "Datasets" } as const;
  if (datasets === undefined) return { ...stage, status: UNKNOWN, facts: [] };
  const usable = datasets.filter(({ status }) => status === "COMPLETED");
  const failed = datasets.filter(({ status }) => status === "FAILED").length;
  const of = (type: string, words: string): Fact[] => {
    const own = usable.filter((each) => each.type === type);
    const documents = own.reduce((sum, each) => sum + (each.documents ?? 0), 0);
    if (own.length === 0) return [];
    return [{ text: `${formatNumber(own.length)} for ${words}: ${counted(documents, "document")}` }];
  };
  const status = datasets.some(isMoving)
    ? statusOf("CREATING")
    : usable.length > 0
      ? ({ type: "success", label: `${formatNumber(usable.length)} completed` } as const)
      : failed > 0
        ? statusOf("FAILED")
        : waiting("None");
  return {
    ...stage,
    status,
    facts: [
      ...of("TRAIN", "training"),
      ...of("TEST", "tests"),
      ...(failed > 0 ? [{ text: `${counted(failed, "dataset")} failed` }] : []),
    ],
  };
}

function iteration(unknown: boolean, latest: Iteration | undefined): Stage {
  const stage = { id: "iteration", title: "Iteration" } as const;
  if (unknown) return { ...stage, status: UNKNOWN, facts: [] };
  if (latest === undefined) return { ...stage, status: waiting("None yet"), facts: [] };
  const { id, status, trained } = latest;
  const facts: Fact[] = [{ text: id }];
  if (trained !== undefined) facts.push({ text: `New model: ${modelWords(trained)}`, to: modelPath(trained) });
  const isTrained = status === "EVALUATING" || status === "COMPLETED";
  return { ...stage, status: isTrained ? { type: "success", label: "Trained" } : statusOf(status), facts };
}

function evaluation(unknown: boolean, latest: Iteration | undefined): Stage {
  const stage = { id: "evaluation", title: "Evaluation" } as const;
  if (unknown) return { ...stage, status: UNKNOWN, facts: [] };
  if (latest === undefined || (latest.status !== "EVALUATING" && latest.status !== "COMPLETED"))
    return { ...stage, status: waiting("Not yet"), facts: [] };
  const score = (words: string, value: number | undefined): Fact[] =>
    value === undefined ? [] : [{ text: `F1 of the ${words} model: ${value.toFixed(4)}` }];
  return {
    ...stage,
    status: statusOf(latest.status),
    facts: [
      ...score("new", latest.trainedMetrics?.AverageF1Score),
      ...score("active", latest.evaluatedMetrics?.AverageF1Score),
    ],
  };
}

function active({ active: arn, status }: Flywheel): Stage {
  const stage = { id: "active", title: "Active model" } as const;
  if (arn === undefined) return { ...stage, status: waiting("None yet"), facts: [] };
  const word = status === "UPDATING" ? statusOf(status) : ({ type: "success", label: "Active" } as const);
  return { ...stage, status: word, facts: [{ text: modelWords(arn), to: modelPath(arn) }] };
}

function following({ arn }: Flywheel, endpoints: readonly Endpoint[] | undefined): Stage {
  const stage = { id: "endpoints", title: "Endpoints" } as const;
  if (endpoints === undefined) return { ...stage, status: UNKNOWN, facts: [] };
  const own = endpoints.filter(({ flywheel }) => flywheel === arn);
  if (own.length === 0) return { ...stage, status: waiting("None follow"), facts: [] };
  const facts = own
    .slice(0, MOST_ENDPOINTS)
    .map(({ name, status }) => ({ text: `${name}: ${endpointStatus(status).label}`, to: "/model-endpoints" }));
  const more = own.length - facts.length;
  const moving = own.find(({ status }) => status === "CREATING" || status === "UPDATING");
  const failed = own.some(({ status }) => status === "FAILED");
  return {
    ...stage,
    status:
      moving !== undefined
        ? endpointStatus(moving.status)
        : failed
          ? statusOf("FAILED")
          : { type: "success", label: counted(own.length, "endpoint") },
    facts: more > 0 ? [...facts, { text: `and ${formatNumber(more)} more` }] : facts,
  };
}
