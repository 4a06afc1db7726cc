// Preloaded into a server, this makes koffi impossible to load, as on a system that it has no build for.
process.dlopen = () => {
  throw new Error("no native modules here");
};
