import { array, boolean, ipV4, assert as holds, integer, property } from "fast-check";
import { expect, test } from "vitest";
import { networkOf } from "../../../src/access/network.ts";

test.each([
  ["", ""],
  ["203.0.113.9", "203.0.113.9"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:DB8:0001:0002::", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["::", "0:0:0:0::/64"],
  ["1:2:3:4:5:6:7::", "1:2:3:4::/64"],
  ["::2:3:4:5:6:7:8", "0:2:3:4::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["64:ff9b::192.0.2.1", "64:ff9b:0:0::/64"],
  ["1:2:3:4:5:6:192.0.2.1", "1:2:3:4::/64"],
])("%j is counted as %j", (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test("addresses of IPv4 are counted each by itself", () => {
  holds(property(ipV4(), (address) => networkOf(address) === address));
});

test("addresses of IPv6 are counted by their first four groups, however they are written", () => {
  const group = integer({ min: 0, max: 0xffff });
  const groups = array(group, { minLength: 8, maxLength: 8 });
  holds(
    property(groups, boolean(), (values, isLong) => {
      const texts = values.map((value) => value.toString(16).padStart(isLong ? 4 : 1, "0"));
      const network = networkOf(texts.join(":"));
      // The URL standard writes addresses as short as can be.
      const short = new URL(`http://[${texts.join(":")}]/`).hostname.slice(1, -1);
      expect(networkOf(short)).toBe(network);
      const [first, second, third, fourth] = values.map((value) => value.toString(16));
      expect(network).toBe(`${first}:${second}:${third}:${fourth}::/64`);
    }),
  );
});
