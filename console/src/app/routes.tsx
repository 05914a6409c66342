import { type ComponentType, lazy } from "react";

/** A page of the console and where it is. What a page needs is loaded when it is opened. */
export interface PageRoute {
  readonly path: string;
  readonly Component: ComponentType;
}

type Loader = () => Promise<{ default: ComponentType }>;

const page = (path: string, load: Loader): PageRoute => ({ path, Component: lazy(load) });

export const PAGES: readonly PageRoute[] = [
  page("/", () => import("../home/HomePage")),
  page("/assume-role", () => import("../session/AssumeRolePage")),
  page("/jobs", () => import("../jobs/JobsPage")),
  page("/jobs/create", () => import("../create/CreateJobPage")),
  page("/jobs/:kind/:id", () => import("../jobs/JobPage")),
  page("/jobs/:kind/:id/results", () => import("../results/ResultsPage")),
  page("/analyze", () => import("../analyze/AnalyzePage")),
  page("/models", () => import("../models/ModelsPage")),
  page("/models/create-classifier", () => import("../models/CreateClassifierPage")),
  page("/models/create-recognizer", () => import("../models/CreateRecognizerPage")),
  page("/models/view", () => import("../models/ModelPage")),
  page("/vpc", () => import("../vpc/VpcHomePage")),
  page("/vpc/create", () => import("../vpc/CreatePrivateVpcPage")),
  page("/vpc/map", () => import("../vpc/MapPage")),
  page("/vpc/reachability", () => import("../vpc/ReachabilityPage")),
  page("/vpc/flow-records", () => import("../vpc/FlowRecordsPage")),
  page("/vpc/:type", () => import("../vpc/ResourceListPage")),
  page("/vpc/:type/:id", () => import("../vpc/ResourcePage")),
  page("/access", () => import("../access/AccessHomePage")),
  page("/access/simulator", () => import("../access/SimulatorPage")),
  page("/access/explain", () => import("../access/ExplainPage")),
  page("/access/explain/:requestId", () => import("../access/ExplainPage")),
  page("/access/trail", () => import("../access/TrailPage")),
  page("/access/:type", () => import("../access/IdentityListPage")),
  page("/access/:type/:name", () => import("../access/IdentityPage")),
  page("/s3", () => import("../s3/BucketsPage")),
  page("/s3/:bucket", () => import("../s3/BucketPage")),
];
