import { describe, expect, test } from "vitest";
import { isWebhookSecret, signed } from "./signature.ts";

test("signs as Standard Webhooks' published example", () => {
  const [secret, id] = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"];
  expect(signed(secret, id, 1_614_265_330_999, '{"test": 2432232314}')).toEqual({
    "webhook-id": id,
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  });
});

const base64 = (bytes: number) => Buffer.alloc(bytes, 7).toString("base64");

describe("a secret", () => {
  test.each([
    ["of 24 bytes", `whsec_${base64(24)}`, true],
    ["of 64 bytes", `whsec_${base64(64)}`, true],
    ["of 32 bytes, without its padding", `whsec_${base64(32).replaceAll("=", "")}`, true],
    ["that is too short to be one", `whsec_${base64(23)}`, false],
    ["that is longer than the standard has it", `whsec_${base64(65)}`, false],
    ["without its prefix", `secret_${base64(32)}`, false],
    ["that isn't base64", `whsec_${base64(32)}!`, false],
  ])("%s", (_, secret, isOne) => expect(isWebhookSecret(secret)).toBe(isOne));
});
