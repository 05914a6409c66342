import { NO_FILTER, type ResultFilter } from "../reading/filter";
import { TONES } from "../reading/records";

/** The view of a result. It is in the address, so that a link or a reload shows the same. */
export interface ResultView {
  readonly tab: string;
  readonly filter: ResultFilter;
}

export const RESULT_TABS = ["overview", "documents", "errors", "files"] as const;
const DOCUMENTS: readonly ResultFilter["documents"][] = ["all", "found", "errors"];

/** Parse an address, which may come from anybody: invalid values are left out. */
export function readView(parameters: URLSearchParams): ResultView {
  const tab = RESULT_TABS.find((each) => each === parameters.get("tab")) ?? RESULT_TABS[0];
  const score = Number(parameters.get("score") ?? 0);
  return {
    tab,
    filter: {
      ...NO_FILTER,
      search: parameters.get("search") ?? "",
      types: parameters.getAll("type"),
      tones: TONES.filter((tone) => parameters.getAll("sentiment").includes(tone)),
      leastScore: score >= 0 && score <= 1 ? score : 0,
      documents: DOCUMENTS.find((each) => each === parameters.get("documents")) ?? "all",
      order: parameters.get("order") === "score" ? "score" : "input",
    },
  };
}

/** Return the address for a view; default values are left out. */
export function writeView({ tab, filter }: ResultView): URLSearchParams {
  const parameters = new URLSearchParams();
  if (tab !== RESULT_TABS[0]) parameters.set("tab", tab);
  if (filter.search !== "") parameters.set("search", filter.search);
  for (const type of filter.types) parameters.append("type", type);
  for (const tone of filter.tones) parameters.append("sentiment", tone);
  if (filter.leastScore > 0) parameters.set("score", String(filter.leastScore));
  if (filter.documents !== "all") parameters.set("documents", filter.documents);
  if (filter.order !== "input") parameters.set("order", filter.order);
  return parameters;
}
