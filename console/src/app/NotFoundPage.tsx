import Box from "@cloudscape-design/components/box";
import { Page } from "../components/Page";
import { RouterLink } from "../components/RouterLink";

export function NotFoundPage() {
  return (
    <Page title="There is no such page">
      <Box variant="p">
        Check the address, or go <RouterLink to="/">to the start</RouterLink>.
      </Box>
    </Page>
  );
}
