import { fileURLToPath } from "node:url";
import { DockerfileParser } from "dockerfile-ast";
import type { Deployment } from "kubernetes-types/apps/v1.js";
import { parse } from "yaml";
import { shipped } from "../helpers/shipped.ts";

/** How a file of deploy/ starts the server, and how long it lets it stop. */
interface Setting {
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly graceSeconds: number;
}

const configFile = fileURLToPath(new URL("../../deploy/systemd/scalesocket.toml", import.meta.url));

export const settings = {
  async systemd() {
    const unit = await shipped("deploy/systemd/scalesocket.service");
    const [, seconds] = /^TimeoutStopSec=(\d+)$/m.exec(unit) ?? [];
    return { words: ["--config", configFile], env: {}, graceSeconds: Number(seconds) };
  },
  async compose() {
    const { services } = parse(await shipped("deploy/docker/compose.yaml"));
    const { command, stop_grace_period: grace } = services.scalesocket;
    return { words: command, env: await variablesOfImage(), graceSeconds: Number(/^(\d+)s$/.exec(grace)?.[1]) };
  },
  async kubernetes() {
    const { spec } = parse(await shipped("deploy/kubernetes/deployment.yaml")) as Deployment;
    const pod = spec?.template.spec;
    return {
      words: pod?.containers[0]?.args ?? [],
      env: await variablesOfImage(),
      graceSeconds: Number(pod?.terminationGracePeriodSeconds),
    };
  },
} satisfies Record<string, () => Promise<Setting>>;

async function variablesOfImage(): Promise<Record<string, string>> {
  const dockerfile = DockerfileParser.parse(await shipped("deploy/docker/Dockerfile"));
  const pairs = dockerfile.getENVs().flatMap((env) => env.getProperties());
  return Object.fromEntries(pairs.map((pair) => [pair.getName(), pair.getValue() ?? ""]));
}
