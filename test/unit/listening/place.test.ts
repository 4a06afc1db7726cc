import { describe, expect, test } from "vitest";
import { nameOf, placesOf } from "../../../src/listening/place.ts";
import { completeOptions } from "../../../src/options.ts";

const tcpSocket = { descriptor: 3, name: "web.socket", unixPath: undefined };
const unixSocket = { descriptor: 4, name: "unknown", unixPath: "/run/s" };
const tls = { tlsCert: "cert", tlsKey: "key" };

describe("places to listen on", () => {
  test("are the default address where nothing says otherwise", () => {
    expect(names({})).toEqual(["rooms 0.0.0.0:9000"]);
    expect(names({ adminAddress: { host: "::1", port: 1 } })).toEqual(["rooms 0.0.0.0:9000", "admin [::1]:1"]);
    expect(names({}, { ...tcpSocket, name: "admin" })).toEqual(["rooms 0.0.0.0:9000", "admin descriptor 3 (admin)"]);
  });

  test("are what is given, those for rooms first", () => {
    const addresses = [
      { host: "a", port: 1 },
      { host: "::1", port: 2 },
    ];
    expect(names({ addresses })).toEqual(["rooms a:1", "rooms [::1]:2"]);
    expect(names({ unixSocket: "/s" })).toEqual(["rooms unix:/s"]);
    expect(names({ addresses, unixSocket: "/s" })).toEqual(["rooms a:1", "rooms [::1]:2", "rooms unix:/s"]);
    expect(names({}, tcpSocket, unixSocket)).toEqual([
      "rooms descriptor 3 (web.socket)",
      "rooms descriptor 4 (unknown)",
    ]);
    const redirectAddress = { host: "b", port: 80 };
    expect(names({ ...tls, redirectAddress }, { ...tcpSocket, name: "redirect" })).toEqual([
      "rooms 0.0.0.0:9000",
      "redirect descriptor 3 (redirect)",
      "redirect b:80",
    ]);
  });

  test("have TLS where there is TCP", () => {
    expect(() => names({ ...tls, unixSocket: "/s" })).toThrow("--tlscert=cert is for TCP");
    expect(() => names(tls, unixSocket)).toThrow("--tlscert=cert is for TCP");
    expect(names(tls, tcpSocket, unixSocket)).toHaveLength(2);
    expect(() => names({}, { ...tcpSocket, name: "redirect" })).toThrow("needs --tlscert and --tlskey");
  });
});

function names(
  options: Parameters<typeof completeOptions>[0],
  ...sockets: Parameters<typeof placesOf>[1]
): readonly string[] {
  return placesOf(completeOptions(options), sockets).map((place) => `${place.purpose} ${nameOf(place)}`);
}
