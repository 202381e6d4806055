import { expect, test } from "vitest";
import { containersIn, listedIn } from "./containers.ts";

// As compose 2.26.1 says them of a real container, and older ones as an array.
const nats = {
  Command: '"/entrypoint.sh nats"',
  CreatedAt: "2026-11-21 14:37:13 +0000 UTC",
  ExitCode: 0,
  Health: "healthy",
  ID: "d598b86c2fbd",
  Labels: "com.docker.compose.oneoff=False,com.docker.compose.project=operator",
  Name: "operator-nats-1",
  Names: "operator-nats-1",
  Publishers: [
    { URL: "127.0.0.1", TargetPort: 4222, PublishedPort: 4222, Protocol: "tcp" },
    { URL: "", TargetPort: 8222, PublishedPort: 0, Protocol: "tcp" },
  ],
  Service: "nats",
  State: "running",
  Status: "Up 43 seconds (healthy)",
};
const init = {
  ...nats,
  ID: "7911cef38ec2",
  Name: "operator-init-1",
  Service: "init",
  State: "exited",
  Publishers: null,
};
const listed = [
  { id: "d598b86c2fbd", name: "operator-nats-1", service: "nats", ports: ["127.0.0.1:4222"] },
  { id: "7911cef38ec2", name: "operator-init-1", service: "init", ports: [] },
];

test.each([
  { shape: "an array", text: JSON.stringify([nats, init]) },
  { shape: "an array over several lines", text: `${JSON.stringify([nats, init], undefined, 2)}\n` },
  { shape: "an object a line", text: `${JSON.stringify(nats)}\n${JSON.stringify(init)}\n` },
])("a list of containers as $shape", ({ text }) => {
  expect(listedIn(text)).toEqual(listed);
});

test.each([
  { what: "nothing", text: "" },
  { what: "an empty array", text: "[]\n" },
])("no containers as $what", ({ text }) => {
  expect(listedIn(text)).toEqual([]);
});

test("what can't be read is no empty list", () => {
  expect(() => listedIn("NAME   IMAGE")).toThrow();
  expect(() => listedIn('{"Name":"operator-nats-1"}')).toThrow();
});

const year1 = "0001-01-01T00:00:00Z";
const state = {
  Status: "running",
  ExitCode: 0,
  OOMKilled: false,
  StartedAt: "2026-11-21T14:37:15.5Z",
  FinishedAt: year1,
  Health: { Status: "healthy", FailingStreak: 0, Log: [{ Output: "one\n" }, { Output: "trying\nok\n" }] },
};

test("a container is what the list and the engine say together, and what has gone in between isn't there", () => {
  const running = { id: "d598b86c2fbdffff", restarts: 2, created: "2026-11-21T14:37:13Z", state };
  const [only, ...others] = containersIn(listedIn(JSON.stringify([nats, init])), `${JSON.stringify(running)}\n`);
  expect(others).toEqual([]);
  expect(only).toEqual({
    ...listed[0],
    state: "running",
    health: "healthy",
    exitCode: 0,
    sinceMs: Date.parse("2026-11-21T14:37:15.5Z"),
    restarts: 2,
    isOutOfMemory: false,
    healthSays: "ok",
  });
});

test.each([
  { of: "created", given: { Status: "created", StartedAt: year1 }, since: "2026-11-21T14:37:13Z" },
  { of: "exited", given: { Status: "exited", FinishedAt: "2026-11-21T14:40:00Z" }, since: "2026-11-21T14:40:00Z" },
  { of: "dead, never started", given: { Status: "dead" }, since: undefined },
])("since when, and no health, of a container that is $of", ({ given, since }) => {
  const ended = { id: nats.ID, restarts: 0, created: "2026-11-21T14:37:13Z", state: { ...state, ...given } };
  const [container] = containersIn(listedIn(JSON.stringify(nats)), JSON.stringify(ended));
  expect(container).toMatchObject({ health: "none", sinceMs: since === undefined ? null : Date.parse(since) });
});
