import type { Deployment } from "kubernetes-types/apps/v1.js";
import type { Service } from "kubernetes-types/core/v1.js";
import type { Ingress, NetworkPolicy } from "kubernetes-types/networking/v1.js";
import type { PodDisruptionBudget } from "kubernetes-types/policy/v1.js";
import { expect, test } from "vitest";
import { faultsIn, type Manifest, readManifests } from "./manifests.ts";

test("every manifest is what the schema of its kind says", async () => {
  const manifests = await readManifests();
  expect(manifests.map(({ kind }) => kind).toSorted()).toEqual([
    "Deployment",
    "Ingress",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "Service",
  ]);
  expect(await faultsIn(manifests)).toBe("");
});

test.each([
  ["a field that does not exist", { spec: { drainTime: 10 } }, `'"drainTime"' does not exist`],
  [
    "a field of the wrong type",
    { spec: { ports: [{ port: "80" }] } },
    "Type 'string' is not assignable to type 'number'",
  ],
  ["a field that is missing", { spec: { ports: [{ name: "http" }] } }, "Property 'port' is missing"],
])("%s is found", async (_name, change, fault) => {
  const broken = { apiVersion: "v1", kind: "Service", metadata: { name: "broken" }, ...change };
  expect(await faultsIn([broken])).toContain(fault);
});

test("what manifests say of each other is there", async () => {
  const manifests = await readManifests();
  const deployment = find(manifests, "Deployment") as Deployment;
  const service = find(manifests, "Service") as Service;
  const { template } = deployment.spec ?? {};
  const labels = template?.metadata?.labels;
  const ports = template?.spec?.containers.flatMap((container) => container.ports?.map(({ name }) => name));

  expect(deployment.spec?.selector.matchLabels).toEqual(labels);
  expect(service.spec?.selector).toEqual(labels);
  expect((find(manifests, "PodDisruptionBudget") as PodDisruptionBudget).spec?.selector?.matchLabels).toEqual(labels);
  const policy = (find(manifests, "NetworkPolicy") as NetworkPolicy).spec;
  expect(policy?.podSelector?.matchLabels).toEqual(labels);
  expect(policy?.ingress?.flatMap((rule) => rule.ports?.map(({ port }) => port))).toEqual(ports);
  expect(ports).toContain(service.spec?.ports?.[0]?.targetPort);

  const backends = (find(manifests, "Ingress") as Ingress).spec?.rules?.flatMap((rule) => rule.http?.paths ?? []);
  for (const { backend } of backends ?? []) {
    expect(backend.service?.name).toBe(service.metadata?.name);
    expect(service.spec?.ports?.map(({ name }) => name)).toContain(backend.service?.port?.name);
  }
  const container = template?.spec?.containers[0];
  for (const probe of [container?.startupProbe, container?.readinessProbe, container?.livenessProbe]) {
    expect(probe?.httpGet).toEqual({ path: "/health", port: "admin" });
  }
  expect(template?.metadata?.annotations?.["prometheus.io/port"]).toBe(
    String(container?.ports?.find(({ name }) => name === "admin")?.containerPort),
  );
});

function find(manifests: readonly Manifest[], kind: string): unknown {
  return manifests.find((manifest) => manifest.kind === kind);
}
