import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import KeyValuePairs, { type KeyValuePairsProps } from "@cloudscape-design/components/key-value-pairs";
import type { ReactNode } from "react";
import { Breakable } from "../components/Breakable";
import { formatTime } from "../components/format";
import { languageName } from "../components/languages";
import { RoleLink, StorageLink } from "../jobs/parts/ResourceLinks";
import { MODEL_KINDS } from "../models/kinds";
import { IdLinks } from "../vpc/IdLink";
import { FlywheelStatus } from "./FlywheelStatus";
import type { Flywheel } from "./flywheel";

const MODES: Readonly<Record<string, string>> = { MULTI_CLASS: "Single-label", MULTI_LABEL: "Multi-label" };

/** Every property of a flywheel. */
export function FlywheelProperties({ flywheel }: { readonly flywheel: Flywheel }) {
  return (
    <Container header={<Header variant="h2">Flywheel</Header>}>
      <KeyValuePairs columns={3} items={itemsOf(flywheel)} />
    </Container>
  );
}

function itemsOf({ arn, kind, status, lake, created, modified, properties }: Flywheel): KeyValuePairsProps.Item[] {
  const { TaskConfig: task, DataSecurityConfig: security, DataAccessRoleArn: role } = properties ?? {};
  const { Subnets = [], SecurityGroupIds = [] } = security?.VpcConfig ?? {};
  const mode = task?.DocumentClassificationConfig?.Mode;
  const types = task?.EntityRecognitionConfig?.EntityTypes?.map(({ Type }) => Type).join(", ");
  const linked = (ids: readonly string[]): ReactNode => (ids.length === 0 ? "None" : <IdLinks ids={ids} />);
  const rows: readonly (readonly [string, ReactNode])[] = [
    ["ARN", <Breakable key="arn" text={arn} />],
    ["Status", <FlywheelStatus key="status" status={status} />],
    ["Type", MODEL_KINDS[kind].label],
    ["Language", task?.LanguageCode && languageName(task.LanguageCode)],
    ["Mode", mode && (MODES[mode] ?? mode)],
    ["Labels", task?.DocumentClassificationConfig?.Labels?.join(", ")],
    ["Entity types", types],
    ["Data lake", <StorageLink key="lake" uri={lake} />],
    ["Data access role", <RoleLink key="role" arn={role} />],
    ["Subnets", linked(Subnets)],
    ["Security groups", linked(SecurityGroupIds)],
    ["Created", created && formatTime(created)],
    ["Changed", modified && formatTime(modified)],
  ];
  return rows.flatMap(([label, value]) => (value === undefined || value === "" ? [] : [{ label, value }]));
}
