import { ServerError } from "../errors.ts";
import { type Address, addressText, defaultAddress, type Options, unexpected } from "../options.ts";

/** What is answered at an address: everything, only what operators ask for, or a redirect to https. */
export type Purpose = "rooms" | "admin" | "redirect";

/** A socket that listens already, made by whoever has started this process. */
export interface PassedSocket {
  readonly descriptor: number;
  /** What it is called by whoever made it: `admin` and `redirect` say what it is for, all others are for rooms. */
  readonly name: string;
  /** The path of a unix socket, which may be empty; undefined for TCP. */
  readonly unixPath: string | undefined;
}

/**
 * So many newcomers may wait for a busy server, unless the system allows fewer (`net.core.somaxconn`). It holds for sockets that
 * are passed, too: Node replaces what their maker has said.
 */
export const maxBacklog = 4096;

/** Something to listen on. */
export type Place = { readonly purpose: Purpose } & (
  | { readonly kind: "tcp"; readonly address: Address }
  | { readonly kind: "unix"; readonly path: string; readonly mode: number }
  | { readonly kind: "passed"; readonly socket: PassedSocket }
);

/** Where a server listens, and what is there. */
export interface ServerAddress {
  readonly purpose: Purpose;
  readonly scheme: "http" | "https";
  /** HOST:PORT with brackets around an IPv6 host, or `unix:` and the path of a unix socket. */
  readonly name: string;
  /** Undefined at a unix socket. */
  readonly host: string | undefined;
  readonly port: number | undefined;
  /** Undefined but at a unix socket. */
  readonly path: string | undefined;
}

type Wishes = Pick<Options, "addresses" | "unixSocket" | "unixMode" | "adminAddress" | "redirectAddress" | "tlsCert">;

/**
 * All places that a server is to listen on, those for rooms first: there is at least one of these.
 * @throws ServerError ERR_USAGE where TLS is asked for and there is no place for it, or the other way round.
 */
export function placesOf(options: Wishes, passed: readonly PassedSocket[]): Place[] {
  const { addresses = [], unixSocket, unixMode, adminAddress, redirectAddress } = options;
  const rooms: Place[] = [...passedFor("rooms", passed), ...addresses.map((address) => tcp("rooms", address))];
  if (unixSocket !== undefined) rooms.push({ purpose: "rooms", kind: "unix", path: unixSocket, mode: unixMode });
  if (rooms.length === 0) rooms.push(tcp("rooms", defaultAddress));
  const places = [...rooms, ...passedFor("admin", passed)];
  if (adminAddress !== undefined) places.push(tcp("admin", adminAddress));
  places.push(...passedFor("redirect", passed));
  if (redirectAddress !== undefined) places.push(tcp("redirect", redirectAddress));
  checkSecure(options.tlsCert, places);
  return places;
}

/** Sockets that somebody wants to be listened on. @throws ServerError ERR_USAGE */
export function checkSockets(value: unknown): readonly PassedSocket[] {
  if (Array.isArray(value) && value.every(isPassedSocket)) return value;
  const culprit: unknown = Array.isArray(value) ? value.find((socket) => !isPassedSocket(socket)) : value;
  throw unexpected("sockets", 'a list such as [{ descriptor: 3, name: "rooms", unixPath: undefined }]', culprit);
}

/** What a place is called in errors, before it is known what the system makes of it. */
export function nameOf(place: Place): string {
  if (place.kind === "tcp") return addressText(place.address);
  if (place.kind === "unix") return `unix:${place.path}`;
  return `descriptor ${place.socket.descriptor} (${place.socket.name})`;
}

/** Whether only programs of this machine can come to a place. */
export function isUnix(place: Place): boolean {
  return place.kind === "unix" || (place.kind === "passed" && place.socket.unixPath !== undefined);
}

function isPassedSocket(value: unknown): value is PassedSocket {
  const { descriptor, name, unixPath } = Object(value) as Partial<Record<keyof PassedSocket, unknown>>;
  const isDescriptor = Number.isSafeInteger(descriptor) && (descriptor as number) >= 0;
  return isDescriptor && typeof name === "string" && (unixPath === undefined || typeof unixPath === "string");
}

function checkSecure(tlsCert: string | undefined, places: readonly Place[]): void {
  const isAnySecure = places.some((place) => place.purpose === "rooms" && !isUnix(place));
  if (tlsCert !== undefined && !isAnySecure) {
    throw new ServerError(
      "ERR_USAGE",
      `--tlscert=${tlsCert} is for TCP: give an --addr, too; a unix socket has no TLS`,
    );
  }
  if (tlsCert === undefined && places.some(({ purpose }) => purpose === "redirect")) {
    throw new ServerError("ERR_USAGE", "a socket called redirect leads to https, so it needs --tlscert and --tlskey");
  }
}

function tcp(purpose: Purpose, address: Address): Place {
  return { purpose, kind: "tcp", address };
}

function passedFor(purpose: Purpose, passed: readonly PassedSocket[]): Place[] {
  return passed.flatMap((socket) => (purposeOf(socket) === purpose ? [{ purpose, kind: "passed", socket }] : []));
}

function purposeOf({ name }: PassedSocket): Purpose {
  return name === "admin" || name === "redirect" ? name : "rooms";
}
