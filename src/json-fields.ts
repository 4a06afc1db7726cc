/**
 * The fields by which a process acts on a message of its own (JSON framing); which clients it is for can also be said in
 * the field that the options name.
 */
export const jsonFields = {
  to: "_to",
  except: "_except",
  close: "_close",
  reason: "_reason",
  metadata: "_meta",
  cache: "_cache",
} as const;
