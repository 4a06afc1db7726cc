/**
 * V8 11, which Node 20 has, optimizes what has run for some 67,000 bytes of its code. That takes a core a millisecond or more
 * for each function, so a server that has just begun works as much for its compiler as for its clients. Later versions
 * of V8 wait for about as long as this by themselves.
 */
const optimizeLater = ["--interrupt-budget=500000"];

/** Flags of V8 for processes that are ours alone. An unknown one would be complained of, so they go by the version. */
export const compilerFlags: readonly string[] = process.versions.v8.startsWith("11.") ? optimizeLater : [];
