import { parentPort } from "node:worker_threads";
import { argon2Verify, bcryptVerify } from "hash-wasm";
import type { HashAnswer, HashQuestion } from "./hash-thread.ts";

/** What bcrypt reads of a password; those who made the hash had no more of it either. */
const bcryptMaxBytes = 72;

parentPort?.on("message", (question: HashQuestion) => {
  verify(question).then(
    (fits) => answer({ id: question.id, fits }),
    () => answer({ id: question.id, fits: undefined }),
  );
});

function answer(message: HashAnswer): void {
  parentPort?.postMessage(message);
}

async function verify({ hash, password }: HashQuestion): Promise<boolean> {
  const bytes = Buffer.from(password);
  if (hash.startsWith("$argon2")) return argon2Verify({ hash, password: bytes });
  return bcryptVerify({ hash, password: bytes.subarray(0, bcryptMaxBytes) });
}
