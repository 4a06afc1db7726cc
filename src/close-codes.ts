interface CloseCode {
  readonly code: number;
  /** When the server sends it. */
  readonly when: string;
  /** Whether the client should come back, and how. */
  readonly comeBack: string;
}

/** Every code that a client can be closed with (RFC 6455 section 7.4; from 4000 on our own). */
export const closeCodes = {
  normal: {
    code: 1000,
    when: "The room's process ended with exit code 0, and --restart does not say to start a new one",
    comeBack: "Only if the user wants to; a new process is started then",
  },
  goingAway: {
    code: 1001,
    when: "The server is shutting down at once",
    comeBack: "Yes, after a random wait of some seconds",
  },
  protocolError: {
    code: 1002,
    when: "The client broke the websocket protocol",
    comeBack: "No, its websocket library is at fault",
  },
  invalidPayload: {
    code: 1007,
    when: "A text message of the client is not UTF-8, or what it has compressed cannot be read",
    comeBack: "Only with valid text; send other bytes as binary messages",
  },
  policyViolation: {
    code: 1008,
    when: "The client went on sending more than --msgrate or --byterate allow, took longer for a message than --messagetimeout, or sent one in more fragments than are allowed; the reason says which",
    comeBack: "Only after it was changed; after too many messages, when it is to send fewer",
  },
  messageTooBig: {
    code: 1009,
    when: "A message of the client is larger than --maxmessage",
    comeBack: "Only with smaller messages",
  },
  processFailed: {
    code: 1011,
    when: "The process could not be started, ended with another exit code or a signal, or wrote what its framing cannot read on from, and --restart does not say to start a new one; the reason says which",
    comeBack: "Yes, with growing waits; a new process is started then",
  },
  serviceRestart: {
    code: 1012,
    when: "The server was asked to end by SIGTERM, as before an update: it closes its rooms one after the other",
    comeBack: "Yes, after a random wait of some seconds; another server answers then, or the next one in this place",
  },
  tryAgainLater: {
    code: 1013,
    when: "The room has nothing to run its next process with, such as a free TCP port; or the server has no file descriptor left to load the code that reads pings, closes and fragments",
    comeBack: "Yes, after some seconds",
  },
  expired: {
    code: 4003,
    when: "What the client has shown to come in, such as a token, has expired",
    comeBack: "Yes, at once, with a new token",
  },
  tooSlow: {
    code: 4008,
    when: "More than --clientbuffer waited for the client, and it took nothing for --slowtimeout; with --slow=close at once",
    comeBack: "Yes; what it missed in between is lost to it",
  },
} as const satisfies Record<string, CloseCode>;

const maxReasonBytes = 123;

/** Shortens a reason to what a close frame can carry (RFC 6455 section 5.5), at a character's border. */
export function closeReason(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxReasonBytes) return text;
  let end = maxReasonBytes;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString("utf8", 0, end);
}

/** Whether a process may close a client with this code: those of RFC 6455 that are true of a program, and all free ones. */
export function isCodeForProcess(code: number): boolean {
  if (code < 3000) return code === 1000 || code === 1008 || (code >= 1011 && code <= 1013);
  return code <= 4999;
}
