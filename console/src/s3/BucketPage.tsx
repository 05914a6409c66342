import Tabs from "@cloudscape-design/components/tabs";
import { useState } from "react";
import { useNavigate, useParams, useSearchParams } from "react-router";
import { NotFoundPage } from "../app/NotFoundPage";
import { Page } from "../components/Page";
import { RouterButton } from "../components/RouterButton";
import { bucketHref, parentOf, shownKey } from "./keys";
import { ObjectBrowser } from "./objects/ObjectBrowser";
import { ObjectDetails } from "./objects/ObjectDetails";
import { BucketPolicy } from "./parts/BucketPolicy";
import { BucketProperties } from "./parts/BucketProperties";
import { CorsRules } from "./parts/CorsRules";
import { PublicAccess } from "./parts/PublicAccess";
import { TransfersPanel } from "./transfer/TransfersPanel";

const ABOVE = [{ text: "Buckets", href: "/s3" }];

export default function BucketPage() {
  const { bucket } = useParams();
  const [parameters] = useSearchParams();
  const navigate = useNavigate();
  const [tab, setTab] = useState("objects");
  if (bucket === undefined) return <NotFoundPage />;
  const key = parameters.get("key");
  const prefix = parameters.get("prefix") ?? "";
  if (key !== null) {
    return (
      <Page
        title={shownKey(key)}
        above={[...ABOVE, { text: bucket, href: bucketHref(bucket) }]}
        actions={<RouterButton to={bucketHref(bucket, { prefix: parentOf(key) })}>To its folder</RouterButton>}
      >
        <ObjectDetails
          key={key}
          bucket={bucket}
          objectKey={key}
          onDeleted={() => navigate(bucketHref(bucket, { prefix: parentOf(key) }))}
        />
        <TransfersPanel />
      </Page>
    );
  }
  return (
    <Page title={bucket} above={ABOVE}>
      <Tabs
        activeTabId={tab}
        onChange={({ detail }) => setTab(detail.activeTabId)}
        ariaLabel="Parts of the bucket"
        tabs={[
          { id: "objects", label: "Objects", content: <ObjectBrowser key={prefix} bucket={bucket} prefix={prefix} /> },
          { id: "policy", label: "Policy", content: <BucketPolicy bucket={bucket} /> },
          { id: "public", label: "Public access", content: <PublicAccess bucket={bucket} /> },
          { id: "cors", label: "CORS", content: <CorsRules bucket={bucket} /> },
          { id: "properties", label: "Properties", content: <BucketProperties bucket={bucket} /> },
        ]}
      />
      <TransfersPanel />
    </Page>
  );
}
