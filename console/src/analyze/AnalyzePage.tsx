import SegmentedControl from "@cloudscape-design/components/segmented-control";
import { useState } from "react";
import { Page } from "../components/Page";
import { BatchAnalysis } from "./BatchAnalysis";
import { OwnModels } from "./OwnModels";
import { SingleAnalysis } from "./SingleAnalysis";

export default function AnalyzePage() {
  const [form, setForm] = useState("single");
  return (
    <Page
      title="Real-time analysis"
      description="Analyze a text immediately. For many documents, or long ones, create an analysis job."
    >
      <SegmentedControl
        label="Input"
        selectedId={form}
        onChange={({ detail }) => setForm(detail.selectedId)}
        options={[
          { id: "single", text: "One text" },
          { id: "batch", text: "Several texts" },
        ]}
      />
      {form === "single" ? <SingleAnalysis /> : <BatchAnalysis />}
      <OwnModels />
    </Page>
  );
}
