"use strict";
// Contract 4 with the published client: rooms, events, rights, endings.

const { test, before, after } = require("node:test");
const assert = require("node:assert/strict");
const { within, until, token, Node, run, counter } = require("./support.js");
const { Client } = require("./client.js");

let node;
let last = 0;

before(async () => {
  node = await new Node({ LISTEN_CORS_ORIGIN: "https://app.example" }).start();
});

after(() => node.stop());

/** A run of its own for each test. */
async function new_run(claims) {
  const id = `r${++last}`;
  await node.publish("p1", [run(id, { status: "running" })], claims);
  return id;
}

const numbers = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const counters = (id, from, to) => numbers(from, to).map((n) => counter(id, "fetched", n));

for (const transports of [["websocket"], ["polling"], ["polling", "websocket"]])
  test(`events arrive in order over ${transports.join(", then ")}`, async () => {
    const id = await new_run();
    const client = await new Client(node.url, { transports }).ready();
    try {
      assert.deepEqual(await client.ask("subscribe:execution", id), { ok: true });
      for (let i = 0; i < 10; i++) await node.publish("p1", counters(id, i * 10 + 1, i * 10 + 10));
      await node.publish("p1", [run(id, { status: "completed" })]);
      await until(() => client.told.some(([name]) => name === "execution:completed"), "completed");
      assert.deepEqual(client.counts(), numbers(1, 100));
      const [, done] = client.told.at(-1);
      assert.equal(done.executionId, id);
      assert.equal(done.status, "COMPLETED");
      assert.equal(typeof done.duration, "number");
      assert.match(done.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      if (transports.length === 2) assert.equal(client.socket.io.engine.transport.name, "websocket");
    } finally {
      client.end();
    }
  });

test("many events in one burst arrive over long-polling", async () => {
  const id = await new_run();
  const client = await new Client(node.url, { transports: ["polling"] }).ready();
  await client.subscribe(id);
  await node.publish("p1", counters(id, 1, 3000));
  await client.has(3000);
  assert.deepEqual(client.counts(), numbers(1, 3000));
  client.end();
});

test("tokens are asked for in CONNECT, and may come with the handshake", async () => {
  for (const [auth, message] of [
    [{}, "Authentication required"],
    [{ token: "" }, "Authentication required"],
    [{ token: "nonsense" }, "Invalid token"],
    [{ token: token({ exp: 1 }) }, "Invalid token"],
    [{ token: 7 }, "Authentication required"],
  ]) {
    const client = new Client(node.url, { auth, reconnection: false });
    await assert.rejects(client.ready(), { message });
    client.end();
  }
  for (const more of [{ query: { token: token() } }, { extraHeaders: { authorization: `Bearer ${token()}` } }])
    for (const transports of [["websocket"], ["polling"]]) {
      const client = await new Client(node.url, { auth: {}, transports, ...more }).ready();
      client.end();
    }
});

test("other namespaces are refused", async () => {
  const { io } = require("socket.io-client");
  const socket = io(`${node.url}/other`, { forceNew: true, auth: { token: token() } });
  const error = await within(new Promise((resolve) => socket.once("connect_error", resolve)), "an error");
  assert.equal(error.message, "Invalid namespace");
  socket.disconnect();
});

test("executions of others are answered as those that are not there", async () => {
  const foreign = await new_run({ tenant: "t2" });
  const elsewhere = `r${++last}`;
  await node.publish("p9", [run(elsewhere, { status: "running" })]);
  const client = await new Client(node.url, { claims: { projects: ["p1"] } }).ready();
  for (const id of ["no-such-run", foreign, elsewhere])
    assert.deepEqual(await client.ask("subscribe:execution", id), { ok: false, error: "Execution not found" });
  await node.publish("p1", counters(foreign, 1, 3), { tenant: "t2" });
  await node.publish("p9", counters(elsewhere, 1, 3));
  const own = await new_run();
  await client.subscribe(own);
  await node.publish("p1", counters(own, 7, 7));
  await client.has(1);
  assert.deepEqual(client.counts(), [7]);
  client.end();
});

test("the tenant's view shows its executions and nobody else's", async () => {
  const first = await new_run();
  const client = await new Client(node.url).ready();
  assert.deepEqual(await client.ask("subscribe:tenant"), { ok: true });
  assert.deepEqual(await client.ask("subscribe:tenant"), { ok: true });
  const second = `r${++last}`;
  await node.publish("a-new-project", [run(second, { status: "running" }), ...counters(second, 1, 2)]);
  await node.publish("p1", counters(first, 3, 4));
  const foreign = await new_run({ tenant: "t2" });
  await node.publish("p1", counters(foreign, 9, 9), { tenant: "t2" });
  await node.publish("p1", counters(first, 5, 5));
  await client.has(5);
  assert.deepEqual(client.counts(second), [1, 2]);
  assert.deepEqual(client.counts(first), [3, 4, 5]);
  assert.deepEqual(client.counts(foreign), []);
  assert.deepEqual(await client.ask("unsubscribe:tenant"), { ok: true });
  await node.publish("p1", counters(first, 6, 6));
  await client.subscribe(first);
  await node.publish("p1", counters(first, 7, 7));
  await client.has(6);
  assert.deepEqual(client.counts(first), [3, 4, 5, 7]);
  client.end();
});

for (const order of [
  ["subscribe:execution", "subscribe:tenant"],
  ["subscribe:tenant", "subscribe:execution"],
])
  test(`each event comes once after ${order.join(" and ")}`, async () => {
    const id = await new_run();
    const other = await new_run();
    const client = await new Client(node.url).ready();
    let n = 0;
    const publishing = { on: true };
    const publisher = (async () => {
      while (publishing.on) await node.publish("p1", counters(id, ++n, n));
    })();
    for (const event of order) assert.deepEqual(await client.ask(event, id), { ok: true });
    await until(() => n >= 20, "twenty events");
    await node.publish("p1", counters(other, 1, 1));
    await client.has(1, other);
    assert.deepEqual(await client.ask("unsubscribe:tenant"), { ok: true });
    const so_far = n;
    await until(() => n >= so_far + 10, "ten more");
    publishing.on = false;
    await publisher;
    await until(() => client.counts(id).at(-1) === n, "the last event");
    const got = client.counts(id);
    assert.deepEqual(got, numbers(got[0], n), "no gap and no repetition");
    assert.deepEqual(client.counts(other), [1]);
    client.end();
  });

test("leaving a room ends its events", async () => {
  const id = await new_run();
  const other = await new_run();
  const client = await new Client(node.url).ready();
  await client.subscribe(id, other);
  await node.publish("p1", counters(id, 1, 1));
  await client.has(1);
  assert.deepEqual(await client.ask("unsubscribe:execution", id), { ok: true });
  assert.deepEqual(await client.ask("unsubscribe:execution", id), { ok: true });
  await node.publish("p1", [...counters(id, 2, 2), ...counters(other, 3, 3)]);
  await client.has(2);
  assert.deepEqual(client.counts(), [1, 3]);
  client.end();
});

test("wrong arguments are answered in the acknowledgement, and harm nobody", async () => {
  const id = await new_run();
  const client = await new Client(node.url).ready();
  for (const args of [[], [7], [null], [{}], [""], ["a b"], ["x".repeat(200)]])
    for (const event of ["subscribe:execution", "unsubscribe:execution"])
      assert.equal((await client.ask(event, ...args)).ok, false, `${event} ${JSON.stringify(args)}`);
  assert.match((await client.ask("no-such-event")).error, /Unknown event/);
  client.socket.emit("subscribe:execution");
  client.socket.emit("subscribe:execution", Buffer.from([1, 2]));
  client.socket.emit("no-such-event", { a: Buffer.from([1]) });
  const idle = await new Client(node.url, { claims: { scope: "publish" } }).ready();
  assert.equal((await idle.ask("subscribe:execution", id)).ok, false);
  assert.equal((await idle.ask("subscribe:tenant")).ok, false);
  idle.end();
  await client.subscribe(id);
  await node.publish("p1", counters(id, 1, 1));
  await client.has(1);
  client.end();
});

test("a session belongs to the user who began it", async () => {
  const address = (sid, who) =>
    `${node.url}/socket.io/?EIO=4&transport=polling${sid ? `&sid=${sid}` : ""}${who ? `&token=${token({ sub: who })}` : ""}`;
  const open = async (who) => JSON.parse((await (await fetch(address("", who))).text()).slice(1)).sid;
  const post = async (sid, who, body) => (await fetch(address(sid, who), { method: "POST", body })).status;

  const known = await open("ann");
  assert.equal(await post(known, "bob", "40/workflows,"), 400);
  assert.equal(await post(known, "", "40/workflows,"), 400);
  assert.equal(await post(known, "ann", "40/workflows,"), 200);
  assert.match(await (await fetch(address(known, "ann"))).text(), /40\/workflows,\{"sid"/);

  const late = await open("");
  assert.equal(await post(late, "", `40/workflows,{"token":"${token({ sub: "ann" })}"}`), 200);
  assert.equal(await post(late, "bob", "41/workflows,"), 400);
  assert.equal((await fetch(address(late, "bob"))).status, 400);
  assert.equal(await post(late, "", "41/workflows,"), 200);
  assert.equal(await post(late, "", `40/workflows,{"token":"${token({ sub: "bob" })}"}`), 200);
  const answer = await (await fetch(address(late, ""))).text();
  assert.match(answer, /44\/workflows,\{"message":"Invalid token"\}/);
});

test("pages of the configured origin may connect, with credentials", async () => {
  const ask = (origin) => fetch(`${node.url}/socket.io/?EIO=4&transport=polling`, { headers: { origin } });
  const own = await ask("https://app.example");
  assert.equal(own.headers.get("access-control-allow-origin"), "https://app.example");
  assert.equal(own.headers.get("access-control-allow-credentials"), "true");
  const other = await ask("https://evil.example");
  assert.equal(other.headers.get("access-control-allow-origin"), null);
});

test("the end of the token ends the connection", async () => {
  const id = await new_run();
  const client = await new Client(node.url, {
    claims: { exp: Math.floor(Date.now() / 1000) + 2 },
    reconnection: false,
  }).ready();
  await client.subscribe(id);
  const reason = await within(new Promise((resolve) => client.socket.once("disconnect", resolve)), "the end", 6000);
  assert.equal(reason, "transport close");
});

for (const transports of [["websocket"], ["polling"]])
  test(`operators see and close sessions over ${transports}`, async () => {
    const client = await new Client(node.url, { transports, claims: { sub: `seen-${transports}` }, reconnection: false }).ready();
    const id = await new_run();
    await client.subscribe(id);
    const headers = { authorization: `Bearer ${token()}` };
    const list = await (await fetch(`${node.url}/v1/admin/sessions?limit=100`, { headers })).json();
    const mine = list.items.filter((x) => x.user === `seen-${transports}`);
    assert.equal(mine.length, 1);
    assert.equal(mine[0].vocabulary, "socketio");
    assert.equal(mine[0].transport, String(transports));
    assert.deepEqual(mine[0].rooms, [`execution:${id}`]);
    const gone = new Promise((resolve) => client.socket.once("disconnect", resolve));
    await fetch(`${node.url}/v1/admin/sessions/${mine[0].id}`, { method: "DELETE", headers });
    await within(gone, "disconnect");
  });
