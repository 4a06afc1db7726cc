import { ServerError } from "../errors.ts";

/** Says which options cannot be as they are. @throws ServerError ERR_USAGE, always */
export function refuse(message: string): never {
  throw new ServerError("ERR_USAGE", message);
}
