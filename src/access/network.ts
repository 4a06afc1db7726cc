import { isIP } from "node:net";

/** By what the clients of an address are counted: IPv6 gives a whole /64 to each customer. */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [plain = ""] = address.split("%");
  const [left = [], right] = plain.split("::").map(groupsOf);
  const zeros = Array.from({ length: 8 - left.length - (right?.length ?? 0) }, () => "0");
  const groups = right === undefined ? left : [...left, ...zeros, ...right];
  const prefix = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${prefix.join(":")}::/64`;
}

/** An IPv4 address at the end stands for two groups. */
function groupsOf(text: string): string[] {
  const groups = text.split(":").filter((group) => group !== "");
  return groups.flatMap((group) => (group.includes(".") ? ["0", "0"] : [group]));
}
