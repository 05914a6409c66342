import Box from "@cloudscape-design/components/box";
import ExpandableSection from "@cloudscape-design/components/expandable-section";
import { RouterLink } from "../components/RouterLink";

/** Explains why custom models cannot be chosen here, and where they can be used. */
export function OwnModels() {
  return (
    <ExpandableSection headerText="Your own models" variant="container">
      <Box variant="p">
        Real-time analysis uses the built-in models. On AWS, a custom model answers in real time through an endpoint,
        and endpoints do not exist here: CreateEndpoint and ClassifyDocument are refused, and DetectEntities with an
        EndpointArn answers ResourceUnavailableException.
      </Box>
      <Box variant="p">
        Custom models work in jobs. Train one or choose one under <RouterLink to="/models">Custom models</RouterLink>,
        then <RouterLink to="/jobs/create">create a job</RouterLink> of the type Custom classification or Custom entity
        recognition. A job of a few texts takes seconds.
      </Box>
    </ExpandableSection>
  );
}
