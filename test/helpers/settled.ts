import { until } from "./until.ts";

const looks = 40;

/** Waits until a number has stayed the same for many looks, where something waits for somebody else. */
export async function settled(read: () => number): Promise<number> {
  let last = read();
  let unchanged = 0;
  await until(
    () => {
      const now = read();
      unchanged = now === last ? unchanged + 1 : 0;
      last = now;
      return unchanged === looks;
    },
    () => `a number to stay at ${last}`,
  );
  return last;
}
