import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { KeyId } from "@operator/contracts/approval";
import { Risk } from "@operator/contracts/action";
import { z } from "zod";

/** A key that may approve: who has it, what it may approve, and its public half (base64url of the 32 raw bytes). */
export const Approver = z.strictObject({
  key: KeyId,
  name: z.string().min(1).max(64),
  risks: z.array(Risk).min(1),
  /** May it allow actions to be executed at all? */
  mode: z.boolean(),
  publicKey: z.string().regex(/^[\w-]{43}$/),
});
export type Approver = z.infer<typeof Approver>;

/** The file of public keys: only the actuator reads it, and only its owner can write it. */
export const ApproverFile = z.strictObject({
  approvers: z.array(Approver).max(100),
});
export type ApproverFile = z.infer<typeof ApproverFile>;

/** A new Ed25519 key: its public half, and the private one as PEM (PKCS 8). */
export function newKey(): { key: KeyId; publicKey: string; privatePem: string } {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const raw = rawOf(publicKey);
  return {
    key: keyIdOf(raw),
    publicKey: raw,
    privatePem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

/** The key of a PEM. Throws when it's no Ed25519 private key. */
export function readPrivateKey(pem: string): { key: KeyId; publicKey: string; privateKey: KeyObject } {
  const privateKey = createPrivateKey(pem);
  if (privateKey.asymmetricKeyType !== "ed25519") {
    throw new Error(`a key of type ${privateKey.asymmetricKeyType ?? "unknown"}, expected ed25519`);
  }
  const raw = rawOf(createPublicKey(privateKey));
  return { key: keyIdOf(raw), publicKey: raw, privateKey };
}

/** A public key of its 32 bytes. */
export function publicKeyOf(raw: string): KeyObject {
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: raw }, format: "jwk" });
}

export function keyIdOf(raw: string): KeyId {
  return KeyId.parse(createHash("sha256").update(Buffer.from(raw, "base64url")).digest("hex").slice(0, 16));
}

function rawOf(publicKey: KeyObject): string {
  return z.object({ x: z.string() }).parse(publicKey.export({ format: "jwk" })).x;
}
