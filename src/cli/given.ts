import { isDeepStrictEqual } from "node:util";
import { ServerError } from "../errors.ts";
import {
  longFlag,
  namingsOf,
  type OptionName,
  type OptionNaming,
  optionNames,
  parseOption,
  readFlag,
} from "../options.ts";

/** A place where options can be written, such as the command line or the environment. */
export interface Layer {
  /** What is written there under this name. */
  textOf(naming: OptionNaming): string | undefined;
  /** What the place and the name are called in messages. */
  sourceOf(naming: OptionNaming): string;
}

/** What is written for each option, in the form in which its own flag takes it, with what that means. */
export type Given = ReadonlyMap<OptionName, { readonly text: string; readonly value: unknown }>;

interface Said {
  readonly naming: OptionNaming;
  readonly source: string;
  readonly text: string;
  readonly value: unknown;
}

/** Reads all options. What is written in a layer wins over the layers behind it. @throws ServerError ERR_USAGE */
export function readLayers(layers: readonly Layer[]): Given {
  const given = new Map<OptionName, { text: string; value: unknown }>();
  for (const name of optionNames) {
    for (const layer of layers) {
      const said = readOption(name, layer);
      if (said === undefined) continue;
      given.set(name, { text: said.naming.means ?? said.text, value: said.value });
      break;
    }
  }
  return given;
}

/** What all names say, under which the option stands in one layer. @throws ServerError where they say different things. */
function readOption(name: OptionName, layer: Layer): Said | undefined {
  const [first, ...others] = namingsOf(name).flatMap((naming) => {
    const said = readNaming(name, naming, layer);
    return said === undefined ? [] : [said];
  });
  const other = others.find(({ value }) => !isDeepStrictEqual(value, first?.value));
  if (first === undefined || other === undefined) return first;
  throw new ServerError(
    "ERR_USAGE",
    `${written(first)} and ${written(other)} contradict each other: both set ${longFlag(name)}`,
  );
}

function readNaming(name: OptionName, naming: OptionNaming, layer: Layer): Said | undefined {
  const text = layer.textOf(naming);
  if (text === undefined) return undefined;
  const source = layer.sourceOf(naming);
  const { means } = naming;
  if (means === undefined) return { naming, source, text, value: parseOption(name, text, source) };
  return readFlag(text, source) ? { naming, source, text, value: parseOption(name, means, source) } : undefined;
}

function written({ naming, source, text }: Said): string {
  return naming.means === undefined ? `${source}=${text}` : source;
}
