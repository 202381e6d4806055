import { request } from "node:http";
import { FaultId } from "@operator/contracts/chaos";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Lab, secret, whyNoDocker } from "./lab.fixture.ts";

const why = await whyNoDocker();
if (why !== undefined) process.stdout.write(`refusals: skipped, ${why}\n`);

const order = (id: string) => ({ fault: FaultId.parse(id), forMs: 60_000 });

describe.skipIf(why !== undefined)("what isn't a labelled container of the project", () => {
  let lab: Lab;
  beforeEach(async () => {
    lab = await Lab.open();
  });
  afterEach(async () => await lab[Symbol.asyncDispose]());

  test("it isn't listed and isn't touched, by whatever name it's asked for", async () => {
    const other = (labels: Record<string, string | undefined>) => ({
      labels: { "operator.target": "other", ...labels },
    });
    const others = [
      await lab.container("unlabelled"),
      await lab.container("empty", other({ "operator.target": "" })),
      await lab.container("foreign", other({ "com.docker.compose.project": `${lab.project}-2` })),
      await lab.container("nobodys", other({ "com.docker.compose.project": undefined })),
      await lab.container("one-off", other({ "com.docker.compose.oneoff": "True" })),
    ];
    const member = await lab.member("node-a");
    const { chaos, actuator } = await lab.supervise();
    expect((await chaos.list()).map(({ target }) => target)).toEqual(["node-a"]);
    const names = ["unlabelled", "foreign", "node-a-1"].map((name) => lab.nameOf(name));
    const ids = [...others, member].flatMap(({ id }) => [id, id.slice(0, 12)]);
    for (const name of ["other", "..", "../images", "node-a/../../containers", `/${names[0]}`, ...names, ...ids]) {
      const refused = { code: "TARGET_UNKNOWN" };
      await expect(chaos.kill(name, order("f1")), name).rejects.toMatchObject(refused);
      await expect(chaos.stop(name), name).rejects.toMatchObject(refused);
      await expect(actuator.start(name), name).rejects.toMatchObject(refused);
    }
    const states = await Promise.all([...others, member].map((container) => lab.stateOf(container)));
    expect(new Set(states)).toEqual(new Set(["running"]));
  });

  test("a request of the engine's own is none of the supervisor's, on either socket", async () => {
    const member = await lab.member("node-a");
    const { supervisor } = await lab.supervise();
    for (const asked of enginesOwn(member.id, lab.nameOf("node-a-1"))) {
      for (const socketPath of Object.values(supervisor.sockets)) {
        const answer = await send(socketPath, asked, JSON.stringify(order("f1")));
        expect(answer, asked).toMatch(/"code":"(PATH_UNKNOWN|TARGET_UNKNOWN|VERB_FORBIDDEN)"/);
      }
    }
    // What looks like a verb is looked up among the members, and that's all.
    expect(lab.proxy.asked.filter((asked) => !/^GET [/](containers[/]json|networks)[?]/.test(asked))).toEqual([]);
    expect(await lab.stateOf(member)).toBe("running");
  });

  test("all verbs together ask the engine for nothing but themselves, on the member's own id, and tell no secret", async () => {
    const network = await lab.network("backend");
    const member = await lab.member("node-a", { networks: { backend: [] } });
    const { supervisor } = await lab.supervise();
    const body = (id: string, more = {}) => JSON.stringify({ ...order(id), ...more });
    const answers: string[] = [];
    for (const [asked, sent] of [
      ["GET /members"],
      ["POST /members/node-a/pause", body("f1")],
      ["POST /members/node-a/unpause"],
      ["POST /members/node-a/kill", body("f2")],
      ["POST /members/node-a/start"],
      ["POST /members/node-a/stop"],
      ["POST /members/node-a/start"],
      ["POST /members/node-a/disconnect", body("f3", { network: "backend" })],
      ["POST /members/node-a/connect", JSON.stringify({ network: "backend" })],
    ] as const) {
      const answer = await send(supervisor.sockets.chaos, asked, sent);
      expect(answer, asked).not.toContain("refused");
      answers.push(answer);
    }
    const asked = new Set(lab.proxy.asked.map((line) => line.replace(/\?.*/, "")));
    expect([...asked].toSorted()).toEqual(
      [
        "GET /containers/json",
        `GET /containers/${member.id}/json`,
        "GET /networks",
        ...["kill", "pause", "start", "stop", "unpause"].map((verb) => `POST /containers/${member.id}/${verb}`),
        ...["connect", "disconnect"].map((verb) => `POST /networks/${network.id}/${verb}`),
      ].toSorted(),
    );
    expect(JSON.stringify(await member.inspect())).toContain(secret);
    expect(answers.join()).not.toContain(secret);
  });

  test("the actuator's socket lists and starts a container, and refuses every other verb", async () => {
    await lab.network("backend");
    const member = await lab.member("node-a", { networks: { backend: [] } });
    const { supervisor } = await lab.supervise();
    const { actuator } = supervisor.sockets;
    for (const verb of ["kill", "pause", "unpause", "stop", "disconnect", "connect"]) {
      const sent = JSON.stringify({ ...order("f1"), network: "backend" });
      expect(await send(actuator, `POST /members/node-a/${verb}`, sent), verb).toContain(`"VERB_FORBIDDEN"`);
    }
    expect(await send(actuator, "POST /faults/f1/revert")).toContain(`"VERB_FORBIDDEN"`);
    // It isn't even looked up.
    expect(lab.proxy.asked).toEqual([]);
    expect(await send(actuator, "GET /members")).toContain(`"node-a"`);
    await member.stop({ t: 0 });
    expect(await send(actuator, "POST /members/node-a/start")).toBe(`{"already":false}`);
  });
});

/** What a holder of the engine's socket could ask, as it stands there and as it might be smuggled in. */
function enginesOwn(id: string, name: string): string[] {
  const requests = [
    `POST /containers/${id}/exec`,
    `POST /containers/${id}/kill`,
    `GET /containers/${id}/json`,
    `GET /containers/${id}/logs?stdout=1`,
    `GET /containers/${id}/archive?path=/etc`,
    `DELETE /containers/${id}?force=1`,
    "POST /containers/create",
    "GET /containers/json",
    "POST /exec/0/start",
    "GET /images/json",
    "POST /images/create?fromImage=redis",
    "GET /info",
    "GET /events",
    "POST /volumes/create",
    "POST /networks/create",
  ];
  return [
    ...requests,
    ...requests.map((asked) => asked.replace(" /", " /v1.41/")),
    ...requests.map((asked) => asked.replace(" /", " /members/../")),
    ...requests.map((asked) => asked.replace(" /", " /members/node-a/../../")),
    ...requests.map((asked) => asked.replace(" /", " /members/..%2f")),
    `POST /members/${id}/kill`,
    `POST /members/${name}/kill`,
    `POST /members/node-a%2f..%2f${id}/kill`,
    `POST /members/..%2f..%2fcontainers%2f${id}/kill`,
    "POST /members/node-a/exec",
    "POST /members/node-a/logs",
    "GET /members/node-a/json",
    "GET /members/node-a",
  ];
}

/** Sends `<method> <path>` with the path as it is, and gives the answer's text. */
async function send(socketPath: string, asked: string, body = ""): Promise<string> {
  const [method, path] = asked.split(" ");
  return await new Promise((resolve, reject) => {
    const sent = request(
      { socketPath, method, path, headers: { "content-length": Buffer.byteLength(body) } },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        answer.on("end", () => resolve(text));
      },
    );
    sent.on("error", reject).end(body);
  });
}
