import { connect } from "@nats-io/transport-node";
import { startNats } from "@operator/stack/nats-server";
import { expect, test } from "vitest";
import { connectAs, connectRaw } from "./bus.fixture.ts";
import { serverConfig } from "./server-config.ts";

test("a password with quotes, dollars and spaces is one password", { timeout: 30_000 }, async () => {
  const odd = `a "b" $c \\d {e} #f`;
  const passwords = {
    observer: odd,
    checker: "2",
    ticketer: "3",
    diagnoser: "4",
    cli: "5",
    watch: "6",
    provision: "7",
    actuator: "8",
    chaos: "9",
    notifier: "10",
  };
  await using server = await startNats({ passwords });
  await using observer = await connectAs(server, "observer");
  expect(observer.connected()).toBe(true);
  await expect(connectRaw({ url: server.url, passwords: { ...passwords, checker: odd } }, "checker")).rejects.toThrow(
    /authorization/i,
  );
});

test("a user that was added without permissions could do nothing, and nobody answers requests by permission", () => {
  const passwords = {
    observer: "1",
    checker: "2",
    ticketer: "3",
    diagnoser: "4",
    cli: "5",
    watch: "6",
    provision: "7",
    actuator: "8",
    chaos: "9",
    notifier: "10",
  };
  const config = serverConfig({ passwords });
  expect(config).toContain(`default_permissions: { publish: { deny: [">"] }, subscribe: { deny: [">"] } }`);
  expect(config).not.toContain("allow_responses");
});

test("nobody gets in without a user", { timeout: 30_000 }, async () => {
  await using server = await startNats();
  await expect(connect({ servers: server.url, reconnect: false })).rejects.toThrow(/authorization/i);
});
