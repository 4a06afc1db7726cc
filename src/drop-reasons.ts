/** Why a message reaches nobody, or not all it was meant for; the label `reason` of the metric of dropped messages. */
export const dropReasons = {
  not_json_object: "A client's message is not a JSON object (JSON framing)",
  invalid_id:
    "The id in a message of the process is no whole number from 1, or there are several fields of it (JSON framing)",
  invalid_close: "The code or reason with which the process wants to close a client cannot be used",
  unknown_type: "The type in a message of the process is unknown (binary framing)",
  invalid_utf8: "A text of the process is not UTF-8",
  incomplete: "The process ended in the middle of a message (binary framing)",
  recipient_gone: "The client that a message was for has left",
  slow_client: "The client's buffer is full",
  input_closed: "The process has ended or closed its input",
} as const;

export type DropReason = keyof typeof dropReasons;
