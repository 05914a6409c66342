import Box from "@cloudscape-design/components/box";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import { RouterLink } from "../components/RouterLink";

/** Explains where custom models can be used. */
export function OwnModels() {
  return (
    <ExpandableSection headerText="Your own models" variant="container">
      <Box variant="p">
        Real-time analysis uses the built-in models. A custom model answers single calls through an endpoint: create one
        and try it under <RouterLink to="/model-endpoints">Model endpoints</RouterLink>.
      </Box>
      <Box variant="p">
        For many documents, choose a model under <RouterLink to="/models">Custom models</RouterLink>, or{" "}
        <RouterLink to="/jobs/create">create a job</RouterLink> of the type Custom classification or Custom entity
        recognition.
      </Box>
    </ExpandableSection>
  );
}
