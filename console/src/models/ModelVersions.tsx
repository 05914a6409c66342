import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { useNavigate } from "react-router";
import { ResourceTable } from "../components/ResourceTable";
import { RouterButton } from "../components/RouterButton";
import { comparePath } from "./arn";
import { MODEL_KINDS } from "./kinds";
import { isUsable, type Model } from "./model";
import { modelColumns } from "./modelColumns";
import { useModels } from "./queries";

/** All versions of a model's name; two can be compared. */
export function ModelVersions({ model }: { readonly model: Model }) {
  const navigate = useNavigate();
  const { data, error, isPending, refetch } = useModels(model.kind);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const versions = data?.filter(({ name }) => name === model.name);
  const selected = versions?.filter(({ arn }) => chosen.includes(arn)) ?? [];
  // The older one first: differences then say what the newer one changed.
  const [newer, older] = selected.length === 2 && selected.every(isUsable) ? selected : [];
  return (
    <ResourceTable<Model>
      title={`Versions of ${model.name}`}
      noun="version"
      items={versions}
      columns={modelColumns(undefined).filter(({ id }) => id !== "progress")}
      keyOf={({ arn }) => arn}
      loading={isPending}
      error={error ?? undefined}
      onRefresh={() => void refetch()}
      selection="multi"
      selected={selected}
      onSelect={(picked) => setChosen(picked.map(({ arn }) => arn))}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <Button
            disabled={newer === undefined || older === undefined}
            disabledReason="Choose two trained versions."
            onClick={() => newer && older && navigate(comparePath(older.arn, newer.arn))}
          >
            Compare
          </Button>
          <RouterButton to={`${MODEL_KINDS[model.kind].createPath}?name=${encodeURIComponent(model.name)}`}>
            Train a new version
          </RouterButton>
        </SpaceBetween>
      }
      empty={<Box variant="p">No other versions.</Box>}
    />
  );
}
