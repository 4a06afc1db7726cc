import type { Receptionist } from "../listening/listener.ts";
import type { Purpose } from "../listening/place.ts";
import { endpointsAt } from "./endpoints.ts";
import { Redirect } from "./redirect.ts";
import { RequestHandler, type RequestHandlerOptions } from "./request-handler.ts";
import type { Upgrade } from "./upgrade.ts";

export interface ReceptionOptions {
  readonly answers: Omit<RequestHandlerOptions, "endpoints">;
  /** Whether there is an address for operators alone. */
  readonly hasAdmin: boolean;
  /** Makes what lets clients in; requests that are for somebody else go to the handler. */
  readonly createUpgrade: (requests: RequestHandler) => Upgrade;
  /** The port where https is spoken. It is asked once requests come. */
  readonly securePort: () => number;
}

/** Who answers at each kind of address. */
export function createReceptionists(options: ReceptionOptions): Readonly<Record<Purpose, Receptionist>> {
  const { answers, hasAdmin, createUpgrade, securePort } = options;
  const requests = new RequestHandler({ ...answers, endpoints: endpointsAt("rooms", hasAdmin) });
  // What operators ask for is no part of a site.
  const operators = new RequestHandler({ ...answers, basePath: "", endpoints: endpointsAt("admin", hasAdmin) });
  const upgrade = createUpgrade(requests);
  const redirect = new Redirect(securePort, answers.headers);
  return {
    rooms: {
      onRequest: (request, response) => requests.handle(request, response),
      onUpgrade: (request, socket, head) => upgrade.handle(request, socket, head),
      onPromptClient: (request, connection) => upgrade.letIn(request, connection),
    },
    admin: { onRequest: (request, response) => operators.handle(request, response) },
    redirect: { onRequest: (request, response) => redirect.handle(request, response) },
  };
}
