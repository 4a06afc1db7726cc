export { type Address, addressText, defaultAddress, maxSocketPathBytes } from "./options/address-kinds.ts";
export { checkArgs, checkCommand, checkEnvironment, type Environment } from "./options/command.ts";
export { completeOptions, parseOption, readFlag, unexpected } from "./options/complete.ts";
export { isLoopbackUrl } from "./options/identity-kinds.ts";
export { parseFlag } from "./options/kinds.ts";
export {
  isValueOfOption,
  longFlag,
  namingsOf,
  type OptionNaming,
  optionWithOpenValue,
  optionWithoutNext,
  variableOf,
  variableOfFlag,
} from "./options/naming.ts";
export { type OptionSpec, optionGroups } from "./options/spec.ts";
export { type OptionName, optionNames, type Options, optionTable } from "./options/table.ts";
