import {
  paginateDescribeSecurityGroups,
  paginateDescribeSubnets,
  paginateDescribeVpcEndpoints,
  paginateDescribeVpcs,
  type SecurityGroup,
  type Subnet,
  type Vpc,
} from "@aws-sdk/client-ec2";
import { useQuery } from "@tanstack/react-query";
import { useEc2 } from "../../api/ec2";

const inVpc = (vpc: string) => [{ Name: "vpc-id", Values: [vpc] }];

/** Every VPC that the caller may see. */
export function useVpcs() {
  const client = useEc2();
  return useQuery({
    queryKey: ["ec2", "DescribeVpcs", "all"],
    queryFn: async () => {
      const found: Vpc[] = [];
      for await (const page of paginateDescribeVpcs({ client }, {})) found.push(...(page.Vpcs ?? []));
      return found;
    },
  });
}

/** The subnets of a VPC. */
export function useSubnetsOf(vpc: string) {
  const client = useEc2();
  return useQuery({
    queryKey: ["ec2", "DescribeSubnets", "of", vpc],
    enabled: vpc !== "",
    queryFn: async () => {
      const found: Subnet[] = [];
      const pages = paginateDescribeSubnets({ client }, { Filters: inVpc(vpc) });
      for await (const page of pages) found.push(...(page.Subnets ?? []));
      return found;
    },
  });
}

/** The security groups of a VPC. */
export function useGroupsOf(vpc: string) {
  const client = useEc2();
  return useQuery({
    queryKey: ["ec2", "DescribeSecurityGroups", "of", vpc],
    enabled: vpc !== "",
    queryFn: async () => {
      const found: SecurityGroup[] = [];
      const pages = paginateDescribeSecurityGroups({ client }, { Filters: inVpc(vpc) });
      for await (const page of pages) found.push(...(page.SecurityGroups ?? []));
      return found;
    },
  });
}

/** The VPC of the subnets of a job's VpcConfig, which does not name it. */
export function useVpcOf(subnets: readonly string[], wanted: boolean): string | undefined {
  const client = useEc2();
  const first = subnets[0] ?? "";
  const { data } = useQuery({
    queryKey: ["ec2", "DescribeSubnets", "vpc of", first],
    enabled: wanted && /^subnet-[0-9a-f]{8,17}$/.test(first),
    queryFn: async () => {
      for await (const page of paginateDescribeSubnets({ client }, { SubnetIds: [first] })) {
        return page.Subnets?.[0]?.VpcId ?? "";
      }
      return "";
    },
  });
  return data === undefined || data === "" ? undefined : data;
}

/** The gateway endpoint for S3 of a VPC; undefined if there is none, or several, or the caller may not see it. */
export function useStorageEndpoint(vpc: string): string | undefined {
  const client = useEc2();
  const { data } = useQuery({
    queryKey: ["ec2", "DescribeVpcEndpoints", "S3 gateway of", vpc],
    enabled: vpc !== "",
    queryFn: async () => {
      const found: string[] = [];
      const pages = paginateDescribeVpcEndpoints({ client }, { Filters: inVpc(vpc) });
      for await (const page of pages) {
        for (const { VpcEndpointType, ServiceName, VpcEndpointId } of page.VpcEndpoints ?? []) {
          const isStorage = VpcEndpointType === "Gateway" && ServiceName?.endsWith(".s3");
          if (isStorage && VpcEndpointId !== undefined) found.push(VpcEndpointId);
        }
      }
      return found;
    },
  });
  return data?.length === 1 ? data[0] : undefined;
}
