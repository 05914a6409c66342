import { type ComponentType, lazy } from "react";
import { matchRoutes } from "react-router";

/** A page of the console and its path. The code of a page is loaded when it is opened. */
export interface PageRoute {
  readonly path: string;
  readonly Component: ComponentType;
  /**
   * Whether it takes the whole width of a large screen: tables and the map do, but wide text and forms are hard to
   * read.
   */
  readonly wide: boolean;
}

type Loader = () => Promise<{ default: ComponentType }>;

const page = (path: string, load: Loader): PageRoute => ({ path, Component: lazy(load), wide: false });
const widePage = (path: string, load: Loader): PageRoute => ({ ...page(path, load), wide: true });

export const PAGES: readonly PageRoute[] = [
  page("/", () => import("../home/HomePage")),
  page("/assume-role", () => import("../session/AssumeRolePage")),
  widePage("/jobs", () => import("../jobs/JobsPage")),
  page("/jobs/create", () => import("../create/CreateJobPage")),
  page("/jobs/create-several", () => import("../create/several/CreateSeveralPage")),
  widePage("/jobs/several", () => import("../jobs/several/SeveralPage")),
  widePage("/jobs/compare", () => import("../results/compare/CompareJobsPage")),
  page("/jobs/:kind/:id", () => import("../jobs/JobPage")),
  page("/jobs/:kind/:id/results", () => import("../results/ResultsPage")),
  page("/analyze", () => import("../analyze/AnalyzePage")),
  widePage("/pii-profiles", () => import("../profiles/ProfilesPage")),
  widePage("/models", () => import("../models/ModelsPage")),
  page("/models/create-classifier", () => import("../models/CreateClassifierPage")),
  page("/models/create-recognizer", () => import("../models/CreateRecognizerPage")),
  widePage("/models/compare", () => import("../models/compare/CompareModelsPage")),
  page("/models/view", () => import("../models/ModelPage")),
  widePage("/flywheels", () => import("../flywheels/FlywheelsPage")),
  page("/flywheels/create", () => import("../flywheels/CreateFlywheelPage")),
  page("/flywheels/create-dataset", () => import("../flywheels/CreateDatasetPage")),
  widePage("/flywheels/view", () => import("../flywheels/FlywheelPage")),
  widePage("/model-endpoints", () => import("../endpoints/EndpointsPage")),
  widePage("/state-events", () => import("../events/StateEventsPage")),
  page("/vpc", () => import("../vpc/VpcHomePage")),
  page("/vpc/create", () => import("../vpc/CreatePrivateVpcPage")),
  widePage("/vpc/map", () => import("../vpc/MapPage")),
  page("/vpc/reachability", () => import("../vpc/ReachabilityPage")),
  widePage("/vpc/flow-records", () => import("../vpc/FlowRecordsPage")),
  widePage("/vpc/:type", () => import("../vpc/ResourceListPage")),
  page("/vpc/:type/:id", () => import("../vpc/ResourcePage")),
  page("/access", () => import("../access/AccessHomePage")),
  page("/access/simulator", () => import("../access/SimulatorPage")),
  page("/access/explain", () => import("../access/ExplainPage")),
  page("/access/explain/:requestId", () => import("../access/ExplainPage")),
  widePage("/access/trail", () => import("../access/TrailPage")),
  widePage("/access/:type", () => import("../access/IdentityListPage")),
  page("/access/:type/:name", () => import("../access/IdentityPage")),
  widePage("/s3", () => import("../s3/BucketsPage")),
  widePage("/usage", () => import("../usage/UsagePage")),
  widePage("/s3/:bucket", () => import("../s3/BucketPage")),
];

/** Whether the page at an address takes the whole width. */
export function isWide(pathname: string): boolean {
  return matchRoutes([...PAGES], pathname)?.[0]?.route.wide ?? false;
}
