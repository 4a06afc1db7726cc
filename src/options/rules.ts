import { frameModes } from "../frame-modes.ts";
import { jsonFields } from "../json-fields.ts";
import { addressText } from "./address-kinds.ts";
import { checkIdentity } from "./identity-rules.ts";
import { refuse } from "./refuse.ts";
import type { Options } from "./table.ts";

/** Refuses what cannot be done together. @throws ServerError ERR_USAGE that names the options and their values. */
export function checkTogether(options: Options): void {
  checkFrames(options);
  checkDelimiters(options);
  checkFields(options);
  checkCache(options);
  checkLinger(options);
  checkPrewarm(options);
  checkStderr(options);
  checkEncryption(options);
  checkIdentity(options);
  checkCompress(options);
}

/** The flags of framing that are given, with what they say. */
function givenFrames({ frame, clientFrame, serverFrame }: Options) {
  const flags = [
    ["--frame", frame],
    ["--clientframe", clientFrame],
    ["--serverframe", serverFrame],
  ] as const;
  return flags.filter(([, mode]) => mode !== undefined);
}

function checkFrames(options: Options): void {
  const { binary, frame } = options;
  for (const [flag, mode] of givenFrames(options)) {
    if (binary) refuse(`--binary passes bytes through as they come, so it does not go together with ${flag}=${mode}`);
    if (frame !== undefined && mode !== frame) {
      refuse(
        `--frame=${frame} is for both directions, so it does not go together with ${flag}=${mode}; ` +
          "use --clientframe and --serverframe",
      );
    }
  }
}

/** What can stand in the middle of JSON text, where a client could end a line with it and begin one of its own. */
const jsonCharacters = /[ -\x7f]/;

function checkDelimiters(options: Options): void {
  const { binary, delimiters, nullDelimited } = options;
  const flag = nullDelimited ? "--null" : `--delimiters=${JSON.stringify(delimiters)}`;
  if (nullDelimited && delimiters !== undefined) {
    refuse(`--null and --delimiters=${JSON.stringify(delimiters)} both say how messages end; give one of them`);
  }
  if (!nullDelimited && delimiters === undefined) return;
  const modes = Object.values(frameModes(options));
  if (binary) refuse(`${flag} has no meaning with --binary, which knows no messages`);
  if (modes.every((mode) => mode === "gwsocket")) {
    refuse(`${flag} has no meaning with --frame=binary, where a header says how long each message is`);
  }
  if (modes.includes("json") && jsonCharacters.test(delimiters ?? "")) {
    refuse(`${flag} could stand in the middle of JSON; with JSON framing use control characters, such as \\0 or \\x1e`);
  }
}

/** Fields that mean something else already. */
const takenFields = new Set<string>(Object.values(jsonFields).filter((name) => name !== jsonFields.to));

function checkFields({ fromField, toField }: Options): void {
  const given = [
    ["--fromfield", fromField],
    ["--tofield", toField],
  ] as const;
  for (const [flag, name] of given) {
    if (takenFields.has(name)) refuse(`${flag}=${name} cannot be used: the process acts on clients with this field`);
  }
  if (fromField === jsonFields.to && toField !== jsonFields.to) {
    refuse(`--fromfield=_to goes together only with --tofield=_to, not with --tofield=${toField}`);
  }
}

function checkCache(options: Options): void {
  const { cache, cachePersist } = options;
  if (cachePersist && cache === undefined) refuse("--cachepersist keeps what --cache keeps, so it needs --cache=SIZE");
  const mode = frameModes(options).fromProcess;
  if (cache?.kept === "tagged" && mode !== "json") {
    refuse(
      `--cache=tagged:${cache.messages} looks for a field of the process's messages, ` +
        "so it needs --frame=json or --serverframe=json",
    );
  }
}

function checkLinger({ oneshot, lingerMs }: Options): void {
  if (!oneshot || lingerMs === 0) return;
  refuse(`--oneshot lets nobody come back, so it does not go together with --linger=${lingerMs / 1000}`);
}

function checkPrewarm({ prewarm, tcp }: Options): void {
  if (prewarm === 0 || !tcp) return;
  refuse(`--prewarm=${prewarm} does not go together with --tcp: a port is given to a room, which is not known yet`);
}

/** In JSON a byte may take six characters, and Node has no longer strings than 512M. */
const longestTaggedLineBytes = 64 * 1024 ** 2;

function checkStderr(options: Options): void {
  const { stderr, binary, maxLineBytes } = options;
  if (stderr !== "clients") return;
  const [flag, mode] = givenFrames(options).find(([, each]) => each !== "lines") ?? [];
  const other = binary ? "--binary" : flag === undefined ? undefined : `${flag}=${mode}`;
  if (other !== undefined) {
    refuse(`--stderr=clients sends lines in messages of its own, so it does not go together with ${other}`);
  }
  if (maxLineBytes > longestTaggedLineBytes) {
    refuse(`--stderr=clients does not go together with --maxline=${maxLineBytes}: it takes lines of up to 64M`);
  }
}

function checkEncryption({ tlsCert, tlsKey, tlsCa, redirectAddress, workers }: Options): void {
  if (tlsCert !== undefined && tlsKey === undefined) refuse(`--tlscert=${tlsCert} needs its key: --tlskey=FILE`);
  if (tlsKey !== undefined && tlsCert === undefined) refuse(`--tlskey=${tlsKey} needs its certificate: --tlscert=FILE`);
  if (tlsCert === undefined) {
    if (tlsCa !== undefined) refuse(`--tlsca=${tlsCa} has no meaning without TLS: give --tlscert and --tlskey, too`);
    if (redirectAddress === undefined) return;
    refuse(`--redirect=${addressText(redirectAddress)} leads to https, so it needs --tlscert and --tlskey`);
  }
  if (typeof workers !== "number" || workers === 0) return;
  refuse(
    `--workers=${workers} does not go together with --tlscert=${tlsCert}: a connection with TLS cannot be handed to another ` +
      "process",
  );
}

/** A message is decompressed in one go, in which nothing else is done. */
const largestCompressedBytes = 16 * 1024 ** 2;

function checkCompress({ compress, maxMessageBytes }: Options): void {
  if (!compress || maxMessageBytes <= largestCompressedBytes) return;
  refuse(`--compress takes messages of up to 16M, so --maxmessage cannot be more than that, got ${maxMessageBytes}`);
}
