import { address } from "../address-kinds.ts";
import { text } from "../kinds.ts";

/** What makes connections secret, and clients known by their certificates. */
export const encryptionOptions = {
  tlsCert: text({
    flag: "--tlscert <FILE>",
    group: "encryption",
    help: "Speak TLS (https, wss) with this certificate, in PEM, and those that lead to its authority behind it",
  }),
  tlsKey: text({
    flag: "--tlskey <FILE>",
    group: "encryption",
    help: "The private key of --tlscert, in PEM",
  }),
  tlsCa: text({
    flag: "--tlsca <FILE>",
    group: "encryption",
    help: "Let in only clients whose certificate is signed by one of these authorities, in PEM",
  }),
  redirectAddress: address({
    flag: "--redirect <ADDR>",
    group: "encryption",
    help: "Answer plain HTTP at this address with a redirect to https",
  }),
} as const;
