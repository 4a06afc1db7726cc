import { cgiNames, cgiVariables, type JoinRequest } from "../join-request.ts";

/** Renders a join or leave message for one client. */
export type Template = (connectionId: number, request: JoinRequest) => Buffer;

/** The longest name first, and the open-ended ones before those that they could begin with. */
const fixedNames = ["ID", "USER", ...cgiNames].toSorted((a, b) => b.length - a.length);
const placeholder = new RegExp(`#(QUERY_[A-Z0-9_]+|HTTP_[A-Z0-9_]+|${fixedNames.join("|")})`, "g");

const plain = /[A-Za-z0-9._~:-]/;
const plainInQuery = /[A-Za-z0-9._~:&=%+-]/;

/**
 * Prepares a text in which `#ID`, `#USER`, `#ROOM`, `#QUERY_<NAME>` and each CGI variable stand for what concerns one client.
 * Values are percent-encoded, so that no client can break out of what stands around them (spec section 7).
 */
export function compileTemplate(text: string, software: string): Template {
  return (connectionId, request) => {
    const variables = cgiVariables(request, software);
    const parameters = queryParameters(request.query);
    const rendered = text.replace(placeholder, (_match, name: string) => {
      if (name === "ID") return String(connectionId);
      if (name === "USER") return encode(request.identity?.user ?? "", plain);
      if (name === "QUERY_STRING") return encode(request.query, plainInQuery);
      const value = name.startsWith("QUERY_") ? parameters.get(name.slice("QUERY_".length)) : variables.get(name);
      return encode(value ?? "", plain);
    });
    return Buffer.from(rendered);
  };
}

/** Query parameters by their name in capitals; the first of a name counts. */
function queryParameters(query: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    const capitals = name.toUpperCase();
    if (!parameters.has(capitals)) parameters.set(capitals, value);
  }
  return parameters;
}

function encode(value: string, kept: RegExp): string {
  let encoded = "";
  for (const byte of Buffer.from(value)) {
    const character = String.fromCharCode(byte);
    encoded += kept.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}
