import Button from "@cloudscape-design/components/button";
import { useState } from "react";
import { useNavigate } from "react-router";
import { Page } from "../components/Page";
import { modelPath } from "./arn";
import { ImportModal } from "./ImportModal";
import { ModelList } from "./ModelList";

export default function ModelsPage() {
  const navigate = useNavigate();
  const [importing, setImporting] = useState(false);
  return (
    <Page
      title="Custom models"
      description="Models that learn your own labels and types of entities. They are used in jobs."
      actions={<Button onClick={() => setImporting(true)}>Import a model</Button>}
    >
      <ModelList kind="classifier" />
      <ModelList kind="recognizer" />
      {importing && (
        <ImportModal onDismiss={() => setImporting(false)} onImported={(arn) => navigate(modelPath(arn))} />
      )}
    </Page>
  );
}
