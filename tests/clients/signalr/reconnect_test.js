// Connections that are lost: with the node, and under stateful reconnect.
'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const { Hub, signalR } = require('./hub.js');
const { Node, Proxy, course, eventually, run, step, told, within } = require('./support.js');

const { WebSockets, ServerSentEvents, LongPolling } = signalR.HttpTransportType;
const ways = { WebSockets, 'Server-Sent Events': ServerSentEvents, 'Long Polling': LongPolling };
const retry = Array.from({ length: 100 }, (_, i) => (i === 0 ? 0 : 100));

for (const [name, transport] of Object.entries(ways)) {
  for (const signal of ['SIGTERM', 'SIGKILL']) {
    for (const stateful of name === 'WebSockets' ? [false, true] : [false]) {
      const title = `${name}${stateful ? ', stateful' : ''}`;
      test(`${title}: comes back after a restart by ${signal} and misses nothing`, async () => {
        const node = await new Node().start();
        const hub = await new Hub(node.url, { transport, retry, stateful }).start();
        try {
          const id = await hub.invoke('ExecuteWorkflow', 'survivor', {});
          await hub.invoke('SubscribeToExecution', id);
          const events = course(id, 4);
          await node.publish(events.slice(0, 3));
          await hub.told(id, 3);
          await node.stop(signal);
          if (signal === 'SIGTERM') assert.equal(node.child.exitCode, 0);
          await eventually(() => hub.counts.reconnecting === 1, 'noticing the loss');
          await node.start();
          await eventually(() => hub.counts.reconnected === 1, 'the reconnect');
          // The groups are the server's memory: the client joins again.
          await node.publish(events.slice(3, 5));
          await hub.invoke('SubscribeToExecution', id);
          hub.events = [];
          const count = await hub.invoke('ReplayExecution', id, 0);
          assert.deepEqual(hub.words(id), told(4).slice(0, 5));
          assert.equal(count, 5);
          await node.publish(events.slice(5));
          await hub.told(id, told(4).length);
          assert.deepEqual(hub.words(id), told(4));
          assert.equal(hub.counts.closed, 0);
        } finally {
          await hub.stop();
          await node.remove();
        }
      });
    }
  }
}

async function withProxy(settings, use) {
  const node = await new Node(settings).start();
  const proxy = await new Proxy(node.port).start();
  const hub = new Hub(proxy.url, { transport: WebSockets, stateful: true });
  try {
    await hub.start();
    await use(hub, proxy, node);
  } finally {
    await hub.stop();
    await proxy.stop();
    await node.remove();
  }
}

test('stateful: a client that loses its socket again and again misses and repeats nothing', () => withProxy({}, async (hub, proxy, node) => {
  const id = await hub.invoke('ExecuteWorkflow', 'stateful', {});
  await hub.invoke('SubscribeToExecution', id);
  const connection = hub.connection.connectionId;
  const events = course(id, 200);
  const size = 20;
  for (let i = 0; i < events.length; i += size) {
    const published = node.publish(events.slice(i, i + size));
    proxy.cut();
    await published;
    await hub.told(id, Math.min(i + size, events.length) - 5);
  }
  await hub.told(id, told(200).length);
  assert.deepEqual(hub.words(id), told(200));
  assert.equal(hub.connection.connectionId, connection);
  assert.deepEqual(hub.counts, { reconnecting: 0, reconnected: 0, closed: 0 });
  assert.ok(await node.metric('callboard_signalr_resumed_total') > 0);
}));

test('stateful: calls under way when the socket is lost are answered once', () => withProxy({}, async (hub, proxy, node) => {
  const ids = [];
  for (let round = 0; round < 5; ++round) {
    const calls = Array.from({ length: 20 }, (_, i) => hub.invoke('ExecuteWorkflow', `r${round}c${i}`, {}));
    proxy.cut();
    ids.push(...await within(Promise.all(calls), 'the answers'));
  }
  assert.equal(new Set(ids).size, 100);
  const runs = await node.http('GET', '/v1/projects/p1/runs?limit=1000');
  assert.deepEqual(runs.items.map((x) => x.id).sort(), ids.sort(), 'each was executed once');
}));

test('stateful: more than the buffer waits in the history, and nothing is lost', () => withProxy({
  CALLBOARD_SIGNALR_RECONNECT_BUFFER_BYTES: '4KiB',
  CALLBOARD_LIMITS_OUTBOUND_QUEUE_BYTES: '16KiB',
}, async (hub, proxy, node) => {
  const id = await hub.invoke('ExecuteWorkflow', 'large', {});
  await hub.invoke('SubscribeToExecution', id);
  const events = [run(id, { status: 'running' })];
  for (let i = 1; i <= 30; ++i) {
    events.push(step(id, `s${i}`, { status: 'running' }));
    events.push(step(id, `s${i}`, { status: 'completed', output: 'x'.repeat(500) }));
  }
  await node.publish(events.slice(0, 31));
  proxy.cut();
  await node.publish(events.slice(31));
  await within(hub.told(id, events.length), 'all of it', 60_000);
  assert.deepEqual(hub.words(id), told(30).slice(0, -1));
}));

test('stateful: a client that stays away is forgotten and begins anew', async () => {
  const node = await new Node({ CALLBOARD_SIGNALR_DISCONNECT_TIMEOUT: '1s' }).start();
  const proxy = await new Proxy(node.port).start();
  const hub = await new Hub(proxy.url, { transport: WebSockets, stateful: true, retry }).start();
  const before = hub.connection.connectionId;
  const target = proxy.target;
  proxy.target = 1; // nobody there
  proxy.cut();
  await eventually(() => hub.counts.reconnecting === 1, 'noticing the loss');
  await eventually(async () => await node.metric('callboard_signalr_abandoned_total') === 1,
    'being forgotten');
  proxy.target = target;
  await eventually(() => hub.counts.reconnected === 1, 'the reconnect');
  assert.notEqual(hub.connection.connectionId, before);
  await hub.stop();
  await proxy.stop();
  await node.remove();
});
