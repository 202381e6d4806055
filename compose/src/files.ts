import { chmodSync, chownSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";

export interface Owner {
  uid: number;
  gid: number;
}

/** A file of this owner alone, whole or not at all; without a text the one that is there, made theirs. */
export function fileFor(owner: Owner, file: string, text: string | undefined, mode = 0o400): void {
  const isSame = text === undefined || readOrNone(file) === text;
  const draft = isSame ? file : `${file}.draft`;
  if (!isSame) writeFileSync(draft, text, { mode: 0o600 });
  chownSync(draft, owner.uid, owner.gid);
  chmodSync(draft, mode);
  if (!isSame) renameSync(draft, file);
}

export function folderFor(owner: Owner, folder: string, mode: number): void {
  mkdirSync(folder, { recursive: true });
  chownSync(folder, owner.uid, owner.gid);
  chmodSync(folder, mode);
}

export function readOrNone(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
