"use strict";
// Connection state recovery with the published client: what was missed comes,
// once and in order, whatever happened to the socket or the node.

const { test, before, after } = require("node:test");
const assert = require("node:assert/strict");
const { within, until, token, Node, run, counter } = require("./support.js");
const { Client } = require("./client.js");

let node;
let last = 0;

before(async () => {
  node = await new Node().start();
});

after(() => node.stop());

async function new_run(project = "p1") {
  const id = `r${++last}`;
  await node.publish(project, [run(id, { status: "running" })]);
  return id;
}

const numbers = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const counters = (id, from, to) => numbers(from, to).map((n) => counter(id, "fetched", n));

async function back(client, times = 2) {
  await until(() => client.connects.length >= times, "the reconnect", 20000);
  return client.connects[times - 1];
}

for (const transports of [["websocket"], ["polling"]])
  test(`a cut socket misses nothing (${transports})`, async () => {
    const id = await new_run();
    const client = await new Client(node.url, { transports }).ready();
    await client.subscribe(id);
    await node.publish("p1", counters(id, 1, 5));
    await client.has(5);
    await client.cut();
    await node.publish("p1", counters(id, 6, 50));
    const again = await back(client);
    assert.deepEqual(again, { id: client.connects[0].id, recovered: true });
    await node.publish("p1", counters(id, 51, 55));
    await client.has(55);
    assert.deepEqual(client.counts(), numbers(1, 55));
    client.end();
  });

test("subscriptions without later events are recovered, too", async () => {
  const first = await new_run();
  const second = await new_run("p2");
  const client = await new Client(node.url).ready();
  await client.subscribe(first, second);
  await client.cut();
  await node.publish("p1", counters(first, 1, 3));
  await node.publish("p2", counters(second, 4, 6));
  assert.equal((await back(client)).recovered, true);
  await client.has(6);
  assert.deepEqual(client.counts(first), [1, 2, 3]);
  assert.deepEqual(client.counts(second), [4, 5, 6]);
  await client.ask("unsubscribe:execution", first);
  await client.cut();
  await node.publish("p1", counters(first, 7, 7));
  await node.publish("p2", counters(second, 8, 8));
  assert.equal((await back(client, 3)).recovered, true);
  await client.has(7);
  assert.deepEqual(client.counts(first), [1, 2, 3], "it had left that room");
  client.end();
});

test("subscribing again after a recovery repeats nothing", async () => {
  const id = await new_run();
  const client = await new Client(node.url).ready();
  client.socket.on("connect", () => client.socket.emit("subscribe:execution", id));
  await client.subscribe(id);
  await node.publish("p1", counters(id, 1, 3));
  await client.has(3);
  await client.cut();
  await node.publish("p1", counters(id, 4, 400));
  assert.equal((await back(client)).recovered, true);
  await client.has(400);
  await node.publish("p1", counters(id, 401, 401));
  await client.has(401);
  assert.deepEqual(client.counts(), numbers(1, 401));
  client.end();
});

test("the tenant's view is recovered, with projects that are new", async () => {
  const id = await new_run();
  const client = await new Client(node.url).ready();
  await client.subscribe(id);
  await client.ask("subscribe:tenant");
  await node.publish("p1", counters(id, 1, 2));
  await client.has(2);
  await client.cut();
  await node.publish("p1", counters(id, 3, 20));
  const fresh = await new_run("brand-new");
  await node.publish("brand-new", counters(fresh, 1, 5));
  assert.equal((await back(client)).recovered, true);
  await client.has(25);
  await node.publish("p1", counters(id, 21, 21));
  await node.publish("brand-new", counters(fresh, 6, 6));
  await client.has(27);
  assert.deepEqual(client.counts(id), numbers(1, 21));
  assert.deepEqual(client.counts(fresh), numbers(1, 6));
  client.end();
});

for (const transports of [["websocket"], ["polling", "websocket"]])
  test(`a killed node costs nobody an event (${transports})`, async () => {
    const id = await new_run();
    const client = await new Client(node.url, { transports }).ready();
    const tenant = await new Client(node.url, { transports }).ready();
    await client.subscribe(id);
    await tenant.ask("subscribe:tenant");
    await node.publish("p1", counters(id, 1, 30));
    await client.has(30);
    await tenant.has(30, id);
    await node.end("SIGKILL");
    await node.start();
    await node.publish("p1", counters(id, 31, 60));
    for (const x of [client, tenant]) {
      const again = await back(x);
      assert.deepEqual(again, { id: x.connects[0].id, recovered: true });
    }
    await node.publish("p1", counters(id, 61, 90));
    await client.has(90);
    await tenant.has(90, id);
    assert.deepEqual(client.counts(), numbers(1, 90));
    assert.deepEqual(tenant.counts(id), numbers(1, 90));
    client.end();
    tenant.end();
  });

test("a node that drains sends its clients elsewhere", async () => {
  const id = await new_run();
  const client = await new Client(node.url).ready();
  const polling = await new Client(node.url, { transports: ["polling"] }).ready();
  await client.subscribe(id);
  await polling.subscribe(id);
  await node.publish("p1", counters(id, 1, 3));
  await client.has(3);
  await polling.has(3);
  await node.end("SIGTERM");
  await node.start();
  await node.publish("p1", counters(id, 4, 6));
  for (const x of [client, polling]) {
    assert.equal((await back(x)).recovered, true);
    await x.has(6);
    assert.deepEqual(x.counts(), numbers(1, 6));
    x.end();
  }
});

test("somebody else's token recovers nothing", async () => {
  const id = await new_run();
  const client = await new Client(node.url).ready();
  await client.subscribe(id);
  await client.cut();
  client.socket.auth = { token: token({ sub: "u2" }) };
  await node.publish("p1", counters(id, 1, 3));
  const again = await back(client);
  assert.equal(again.recovered, false);
  assert.notEqual(again.id, client.connects[0].id);
  await client.subscribe(id);
  await node.publish("p1", counters(id, 4, 4));
  await client.has(1);
  assert.deepEqual(client.counts(), [4]);
  client.end();
});

test("offsets that nobody gave are not taken", async () => {
  const { io } = require("socket.io-client");
  for (const offset of ["-", "x", "MSAxIEU", "A".repeat(100000), "", "MQ==", "=", "\u0000"]) {
    const socket = io(`${node.url}/workflows`, {
      forceNew: true,
      transports: ["websocket"],
      auth: { token: token(), pid: "A".repeat(32), offset },
    });
    await within(new Promise((resolve) => socket.once("connect", resolve)), "connect");
    assert.equal(socket.recovered, false);
    socket.disconnect();
  }
});

for (const view of ["execution", "tenant"])
  test(`a client that reads slowly misses nothing, not even when it is cut (${view})`, async () => {
    const tight = await new Node({ LIMITS_OUTBOUND_QUEUE_BYTES: "64KiB" }).start();
    try {
      const padding = "x".repeat(5000);
      const large = (n) => ({
        type: "workflow:execution:event:created",
        data: { execution_id: "e1", event: { kind: "counter", name: "fetched", count: n, padding } },
      });
      const other = (n) => counter("e2", "fetched", n);
      await tight.publish("p1", [run("e1", { status: "running" }), run("e2", { status: "running" })]);
      const client = await new Client(tight.url).ready();
      await client.subscribe("e1", "e2");
      if (view === "tenant") await client.ask("subscribe:tenant");
      client.socket.io.engine.transport.ws._socket.pause();
      for (let i = 0; i < 10; i++)
        await tight.publish("p1", numbers(i * 500 + 1, i * 500 + 500).flatMap((n) => (n % 50 ? [large(n)] : [large(n), other(n)])));
      const headers = { authorization: `Bearer ${token()}` };
      const metrics = async () => (await fetch(`${tight.url}/metrics`, { headers })).text();
      const lagged = async () => /callboard_lagged_total [1-9]/.test(await metrics());
      await until(lagged, "the client lags");
      client.socket.io.engine.transport.ws._socket.resume();
      await client.has(700, "e1");
      await client.cut();
      assert.ok(client.counts("e1").length < 5000, "it was cut in the middle");
      assert.equal((await back(client)).recovered, true);
      await client.has(5000, "e1");
      await client.has(100, "e2");
      assert.deepEqual(client.counts("e1"), numbers(1, 5000));
      assert.deepEqual(client.counts("e2"), numbers(1, 100).map((n) => n * 50));
      client.end();
    } finally {
      await tight.stop();
    }
  });

test("after the window the client begins anew", async () => {
  const brief = await new Node({ SOCKETIO_RECOVERY_WINDOW: "400ms" }).start();
  try {
    await brief.publish("p1", [run("e1", { status: "running" })]);
    const client = await new Client(brief.url, { reconnectionDelay: 1500, reconnectionDelayMax: 1500 }).ready();
    await client.subscribe("e1");
    await client.cut();
    await brief.publish("p1", counters("e1", 1, 3));
    assert.equal((await back(client)).recovered, false);
    await client.subscribe("e1");
    await brief.publish("p1", counters("e1", 4, 4));
    await client.has(1);
    assert.deepEqual(client.counts(), [4]);
    client.end();
  } finally {
    await brief.stop();
  }
});

test("what is not kept any more is not pretended to be recovered", async () => {
  const forgetful = await new Node({ STORAGE_RETAIN_EVENTS: "20" }).start();
  try {
    await forgetful.publish("p1", [run("e1", { status: "running" })]);
    const client = await new Client(forgetful.url, { reconnectionDelay: 3000, reconnectionDelayMax: 3000 }).ready();
    await client.subscribe("e1");
    await client.cut();
    for (let i = 0; i < 10; i++) await forgetful.publish("p1", counters("e1", i * 100 + 1, i * 100 + 100));
    const headers = { authorization: `Bearer ${token()}` };
    await until(async () => {
      const page = await fetch(`${forgetful.url}/v1/projects/p1/events?since=0&limit=1`, { headers });
      return (await page.json()).items?.[0]?.seq > 50;
    }, "old events are forgotten");
    assert.equal((await back(client)).recovered, false);
    client.end();
  } finally {
    await forgetful.stop();
  }
});
