/** What systemd tells a service that it starts, by the names of the variables. */
export type SystemdVariables = Readonly<Partial<Record<(typeof names)[number], string>>>;

const names = [
  "LISTEN_FDS",
  "LISTEN_PID",
  "LISTEN_FDNAMES",
  "LISTEN_PIDFDID",
  "NOTIFY_SOCKET",
  "WATCHDOG_USEC",
  "WATCHDOG_PID",
] as const;

/** Takes these variables out of an environment: they are for this process alone, and none that it starts is to have them. */
export function takeVariables(environment: NodeJS.ProcessEnv): SystemdVariables {
  const taken: Partial<Record<(typeof names)[number], string>> = {};
  for (const name of names) {
    const value = environment[name];
    if (value !== undefined) taken[name] = value;
    delete environment[name];
  }
  return taken;
}
