import Box from "@cloudscape-design/components/box";
import { ResourceTable } from "../components/ResourceTable";
import { RouterButton } from "../components/RouterButton";
import { MODEL_KINDS } from "./kinds";
import type { Model } from "./model";
import { modelColumns } from "./modelColumns";
import { useModels } from "./queries";

/** All versions of a model's name. */
export function ModelVersions({ model }: { readonly model: Model }) {
  const { data, error, isPending, refetch } = useModels(model.kind);
  return (
    <ResourceTable<Model>
      title={`Versions of ${model.name}`}
      noun="version"
      items={data?.filter(({ name }) => name === model.name)}
      columns={modelColumns(undefined).filter(({ id }) => id !== "progress")}
      keyOf={({ arn }) => arn}
      loading={isPending}
      error={error ?? undefined}
      onRefresh={() => void refetch()}
      actions={
        <RouterButton to={`${MODEL_KINDS[model.kind].createPath}?name=${encodeURIComponent(model.name)}`}>
          Train a new version
        </RouterButton>
      }
      empty={<Box variant="p">No other versions.</Box>}
    />
  );
}
