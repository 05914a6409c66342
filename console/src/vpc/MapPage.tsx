import Box from "@cloudscape-design/components/box";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useMemo } from "react";
import { useSearchParams } from "react-router";
import { ErrorAlert } from "../components/ErrorAlert";
import { Page } from "../components/Page";
import { RouterLink } from "../components/RouterLink";
import { FAST_POLL } from "./data/use";
import { useWorld } from "./data/world";
import { vpcChoices } from "./forms/choices";
import { graphOf, inWords } from "./map/graph";
import { MapCanvas } from "./map/MapCanvas";

/** The connections in a VPC, drawn from EC2's current state. */
export default function MapPage() {
  const { world, isPending, error } = useWorld(FAST_POLL);
  const [query, setQuery] = useSearchParams();
  const choices = vpcChoices(world.vpcs);
  // Without a choice, show the user's first own VPC: the default one is rarely wanted.
  const first = world.vpcs.find((vpc) => !vpc.IsDefault) ?? world.vpcs[0];
  const vpcId = query.get("vpc") ?? first?.VpcId ?? "";
  const graph = useMemo(() => graphOf(vpcId, world), [vpcId, world]);
  return (
    <Page
      title="Resource map"
      description="A VPC with its ways out, and the jobs that run in it. Point at a resource, or focus it, to see its path."
      above={[{ text: "VPC", href: "/vpc" }]}
    >
      {error !== undefined && <ErrorAlert what="The map is not complete" error={error} />}
      <FormField label="VPC">
        <Select
          options={choices}
          selectedOption={choices.find((choice) => choice.value === vpcId) ?? null}
          onChange={({ detail }) => setQuery({ vpc: detail.selectedOption.value ?? "" }, { replace: true })}
          empty="There is no VPC."
          placeholder="Choose a VPC"
        />
      </FormField>
      {!isPending && graph.nodes.length === 0 ? (
        <Box variant="p">
          There is no such VPC. <RouterLink to="/vpc/create">Build a private VPC for jobs</RouterLink>
        </Box>
      ) : (
        <SpaceBetween size="l">
          <Container header={<Header variant="h2">Map</Header>}>
            <MapCanvas graph={graph} />
          </Container>
          <Container header={<Header variant="h2">In words</Header>}>
            <ul>
              {inWords(graph).map((sentence) => (
                <li key={sentence}>
                  <bdi>{sentence}</bdi>
                </li>
              ))}
            </ul>
          </Container>
        </SpaceBetween>
      )}
    </Page>
  );
}
