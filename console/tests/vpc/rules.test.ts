import { describe, expect, it } from "vitest";
import { allowsOwnMembers, parsePorts, permissionOf, portsText, selfPermission } from "../../src/vpc/rules";

const draft = {
  protocol: "tcp",
  ports: "443",
  peerKind: "cidr",
  cidr: "10.0.0.0/16",
  group: "",
  list: "",
  description: "",
};

describe("rules of groups", () => {
  it("become requests of EC2", () => {
    expect(permissionOf(draft)).toEqual({
      IpProtocol: "tcp",
      FromPort: 443,
      ToPort: 443,
      IpRanges: [{ CidrIp: "10.0.0.0/16" }],
    });
    expect(permissionOf({ ...draft, protocol: "-1", peerKind: "list", list: "pl-1", description: " S3 " })).toEqual({
      IpProtocol: "-1",
      PrefixListIds: [{ PrefixListId: "pl-1", Description: "S3" }],
    });
  });

  it("have ports in one form", () => {
    expect(parsePorts("")).toEqual({ from: 0, to: 65535 });
    expect(parsePorts("1024-65535")).toEqual({ from: 1024, to: 65535 });
    for (const text of ["9-1", "65536", "http", "1-2-3"]) expect(parsePorts(text), text).toBeUndefined();
    expect(portsText({ IpProtocol: "tcp", FromPort: 1, ToPort: 2 })).toBe("1-2");
    expect(portsText({ IpProtocol: "-1", FromPort: -1, ToPort: -1 })).toBe("all");
  });

  it("allow a group's own members only if both directions are allowed", () => {
    const { IpProtocol, FromPort, ToPort } = selfPermission("sg-1");
    const own = { GroupId: "sg-1", IpProtocol, FromPort, ToPort, ReferencedGroupInfo: { GroupId: "sg-1" } };
    const open = { GroupId: "sg-1", IsEgress: true, IpProtocol: "-1", CidrIpv4: "0.0.0.0/0" };
    expect(allowsOwnMembers("sg-1", [{ ...own, IsEgress: false }])).toBe(false);
    expect(allowsOwnMembers("sg-1", [{ ...own, IsEgress: false }, open])).toBe(true);
    expect(
      allowsOwnMembers("sg-1", [
        { ...own, IsEgress: false },
        { ...own, IsEgress: true },
      ]),
    ).toBe(true);
    expect(allowsOwnMembers("sg-1", [{ ...own, IsEgress: false, ToPort: 8787 }, open])).toBe(false);
    expect(allowsOwnMembers("sg-2", [{ ...own, IsEgress: false }, open])).toBe(false);
  });
});
