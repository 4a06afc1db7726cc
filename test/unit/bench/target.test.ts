import { expect, test } from "vitest";
import { fillIn } from "../../../bench/server/target.ts";

const wrapped = { options: ["--frame=json", "--joinmsg", "JOIN #ID;"], program: ["sh", "-c", "it's $1"] as const };

test("placeholders are filled in, each word quoted for the shell", () => {
  expect(fillIn("other --listen {addr} {frame} --run {program}", "127.0.0.1:9", wrapped)).toBe(
    String.raw`other --listen 127.0.0.1:9 '--frame=json' '--joinmsg' 'JOIN #ID;' --run 'sh' '--' '-c' 'it'\''s $1'`,
  );
});

test("options and program are added at the end where they are missing", () => {
  expect(fillIn("other {addr}", "h:1", { options: ["-b"], program: ["cat"] })).toBe("other h:1 '-b' 'cat'");
  expect(fillIn("other {addr} -- {program}", "h:1", { options: ["-b"], program: ["cat"] })).toBe(
    "other h:1 -- '-b' 'cat'",
  );
});

test("what looks like a pattern of a replacement is left as it is", () => {
  expect(fillIn("other {addr}", "h:1", { options: ["$&"], program: ["$'"] })).toBe(String.raw`other h:1 '$&' '$'\'''`);
});
