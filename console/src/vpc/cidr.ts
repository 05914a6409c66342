/** An IPv4 network as numbers. */
export interface Cidr {
  readonly base: number;
  readonly bits: number;
}

const OCTET = /^(0|[1-9]\d{0,2})$/;

/** An IPv4 address as a number; undefined if it is not one. */
export function parseAddress(text: string): number | undefined {
  const parts = text.trim().split(".");
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!OCTET.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

/** Parse a network in CIDR notation; undefined if it is not one. An address with host bits is not a network. */
export function parseCidr(text: string): Cidr | undefined {
  const [address, bits, rest] = text.trim().split("/");
  if (address === undefined || bits === undefined || rest !== undefined || !/^\d{1,2}$/.test(bits)) return undefined;
  const base = parseAddress(address);
  if (base === undefined || Number(bits) > 32) return undefined;
  return base % size(Number(bits)) === 0 ? { base, bits: Number(bits) } : undefined;
}

function formatCidr(cidr: Cidr): string {
  return `${formatAddress(cidr.base)}/${cidr.bits}`;
}

/** The number of addresses of a network with this prefix length. */
export function size(bits: number): number {
  return 2 ** (32 - bits);
}

function contains(outer: Cidr, inner: Cidr): boolean {
  return inner.bits >= outer.bits && inner.base >= outer.base && inner.base < outer.base + size(outer.bits);
}

function overlaps(one: Cidr, other: Cidr): boolean {
  return contains(one, other) || contains(other, one);
}

/** Whether one of these networks contains an address. */
export function isWithin(address: string, networks: readonly string[]): boolean {
  const value = parseAddress(address);
  if (value === undefined) return false;
  return networks.some((network) => {
    const cidr = parseCidr(network);
    return cidr !== undefined && contains(cidr, { base: value, bits: 32 });
  });
}

/**
 * The first networks of this prefix length in a block that overlap none of the taken ones; fewer if the block is full.
 */
export function freeBlocks(block: string, bits: number, count: number, taken: readonly string[] = []): string[] {
  const outer = parseCidr(block);
  if (outer === undefined || bits < outer.bits) return [];
  const used = taken.map(parseCidr).filter((cidr): cidr is Cidr => cidr !== undefined);
  const found: string[] = [];
  for (let base = outer.base; base < outer.base + size(outer.bits) && found.length < count; base += size(bits)) {
    const candidate = { base, bits };
    if (!used.some((cidr) => overlaps(cidr, candidate))) found.push(formatCidr(candidate));
  }
  return found;
}

/** Why a text cannot be the block of a VPC or subnet, as a sentence; undefined if it can. */
export function blockProblem(text: string, within: readonly string[] = []): string | undefined {
  const cidr = parseCidr(text);
  if (cidr === undefined) return "Enter a network such as 10.0.0.0/16: its first address and its size.";
  if (cidr.bits < 16 || cidr.bits > 28) return "Choose a size from /16 (65,536 addresses) to /28 (16 addresses).";
  if (within.length > 0 && !within.some((outer) => contains(parseCidr(outer) ?? { base: 0, bits: 33 }, cidr)))
    return `Choose a part of ${within.join(" or ")}.`;
  return undefined;
}
