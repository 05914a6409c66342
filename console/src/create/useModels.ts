import {
  type ComprehendClient,
  type DocumentClassifierProperties,
  type EntityRecognizerProperties,
  paginateListDocumentClassifiers,
  paginateListEntityRecognizers,
} from "@aws-sdk/client-comprehend";
import { useQuery } from "@tanstack/react-query";
import { useComprehend } from "../api/comprehend";
import type { AnalysisType } from "./analysisTypes";
import { type Model, modelOf } from "./models";

/** The custom models that an analysis type could use, the trained ones only. */
export function useModels(kind: AnalysisType["model"]) {
  const client = useComprehend();
  return useQuery({
    queryKey: ["comprehend", kind === "classifier" ? "ListDocumentClassifiers" : "ListEntityRecognizers", "usable"],
    enabled: kind !== undefined,
    queryFn: () => (kind === "classifier" ? classifiers(client) : recognizers(client)),
  });
}

async function classifiers(client: ComprehendClient): Promise<Model[]> {
  const found: DocumentClassifierProperties[] = [];
  for await (const page of paginateListDocumentClassifiers({ client }, {})) {
    found.push(...(page.DocumentClassifierPropertiesList ?? []));
  }
  return found.flatMap((each) => modelOf(each.DocumentClassifierArn, each) ?? []);
}

async function recognizers(client: ComprehendClient): Promise<Model[]> {
  const found: EntityRecognizerProperties[] = [];
  for await (const page of paginateListEntityRecognizers({ client }, {})) {
    found.push(...(page.EntityRecognizerPropertiesList ?? []));
  }
  return found.flatMap((each) => modelOf(each.EntityRecognizerArn, each) ?? []);
}
