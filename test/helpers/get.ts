import type { TestServer } from "./server.ts";

/** What a server answers to a plain GET. */
export async function get(
  server: Pick<TestServer, "http">,
  path: string,
): Promise<{ status: number; type: string | null; body: string }> {
  const response = await server.http(path);
  return { status: response.status, type: response.headers.get("content-type"), body: await response.text() };
}
