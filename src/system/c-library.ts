import { createRequire } from "node:module";
import { platform } from "node:os";
import { getSystemErrorName } from "node:util";

type Koffi = typeof import("koffi");

const pointerBytes = 8;

/** The C library of this process, called through koffi. */
export interface CLibrary {
  readonly koffi: Koffi;

  /** The function with this prototype, as C declares it. @throws where there is none. */
  readonly find: (prototype: string) => ReturnType<ReturnType<Koffi["load"]>["func"]>;

  /** What went wrong in the function that was called last. */
  readonly lastError: (call: string) => NodeJS.ErrnoException;
}

/** Constants of headers are then those of Linux, the same for glibc and musl. @throws elsewhere than on 64-bit Linux, or without koffi. */
export function loadCLibrary(): CLibrary {
  if (platform() !== "linux") throw new Error(`the C library of ${platform()} is not known`);
  const koffi = createRequire(import.meta.url)("koffi") as Koffi;
  if (koffi.sizeof("void *") !== pointerBytes) throw new Error("the C library is called on 64-bit systems only");
  const library = koffi.load(null);
  return {
    koffi,
    find: (prototype) => library.func(prototype),
    lastError: (call) => systemError(koffi.errno(), call),
  };
}

/** An error like those of Node for the system's. */
export function systemError(errno: number, call: string): NodeJS.ErrnoException {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`${call}: ${code}`), { errno: -errno, code, syscall: call });
}
