/** Browsers cannot set headers of a websocket, only offer subprotocols: one that begins so carries a token. */
export const tokenProtocol = "scalesocket.auth.";

/** Whether a subprotocol is there only to carry a token. */
export function isTokenProtocol(name: string): boolean {
  return name.startsWith(tokenProtocol);
}
