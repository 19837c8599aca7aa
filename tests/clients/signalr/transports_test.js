// The published client over each of its transports.
'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const { Hub, signalR } = require('./hub.js');
const { Node, course, eventually, run, told } = require('./support.js');

const { WebSockets, ServerSentEvents, LongPolling } = signalR.HttpTransportType;
const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ways = [
  ['WebSockets', { transport: WebSockets }],
  ['WebSockets without negotiation', { transport: WebSockets, skipNegotiation: true }],
  ['Server-Sent Events', { transport: ServerSentEvents }],
  ['Long Polling', { transport: LongPolling }],
];

let node;
test.before(async () => { node = await new Node().start(); });
test.after(() => node.remove());

async function withHub(options, use) {
  const hub = await new Hub(node.url, options).start();
  try {
    await use(hub);
  } finally {
    await hub.stop();
  }
}

for (const [name, way] of ways) {
  test(`${name}: a workflow is executed, watched and replayed`, () => withHub(way, async (hub) => {
    const id = await hub.invoke('ExecuteWorkflow', 'Nightly', { day: 1, exact: 1.5 });
    assert.match(id, guid);
    const made = await node.http('GET', `/v1/projects/p1/runs/${id}`);
    assert.equal(made.status, 'pending');
    assert.equal(made.workflow_name, 'Nightly');
    assert.deepEqual(made.input, { day: 1, exact: 1.5 });

    assert.equal(await hub.invoke('SubscribeToExecution', id), null);
    await node.publish(course(id, 3));
    await hub.told(id, told(3).length);
    assert.deepEqual(hub.words(id), told(3));

    const live = hub.events.splice(0);
    for (const { args } of live) {
      assert.equal(args.length, 1);
      assert.match(args[0].timestamp, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    }
    const last = live.at(-1).args[0];
    assert.equal(last.status, 'Succeeded');
    assert.equal(last.workflowName, 'Nightly');
    assert.deepEqual(last.output, { done: true });

    assert.equal(await hub.invoke('ReplayExecution', id, 0), live.length);
    assert.deepEqual(hub.events, live, 'told again as it was told live');
  }));

  test(`${name}: errors are completions, and the connection stays`, () => withHub(way, async (hub) => {
    assert.match(await hub.refused('ExecuteWorkflow', '', {}), /workflowName is empty/);
    assert.match(await hub.refused('ExecuteWorkflow', null, {}), /workflowName is missing/);
    assert.match(await hub.refused('ExecuteWorkflow', { input: {} }), /workflowName is missing/);
    assert.match(await hub.refused('ExecuteWorkflow', 5, {}), /must be a string/);
    assert.match(await hub.refused('ExecuteWorkflow', 'x', 'y'), /input must be an object/);
    assert.match(await hub.refused('ExecuteWorkflow'), /0 argument/);
    assert.match(await hub.refused('ExecuteWorkflow', 'x', {}, 3), /3 argument/);
    assert.match(await hub.refused('NoSuchMethod', 1), /NoSuchMethod.*does not exist/);
    assert.match(await hub.refused('SubscribeToExecution'), /0 argument/);
    for (const missing of ['11111111-2222-3333-4444-555555555555', 'no id at all', '']) {
      assert.equal(await hub.refused('SubscribeToExecution', missing), 'not found');
      assert.equal(await hub.refused('ReplayExecution', missing, 0), 'not found');
    }
    assert.match(await hub.refused('SubscribeToExecution', 5), /must be a string/);
    assert.match(await hub.refused('ReplayExecution', 'x', -1), /sinceSequence/);
    await assert.rejects(new Promise((resolve, reject) => {
      hub.connection.stream('ExecuteWorkflow', 'x', {})
        .subscribe({ next() {}, complete: resolve, error: reject });
    }), /no stream/);
    assert.match(await hub.invoke('ExecuteWorkflow', { workflowName: 'Still here' }), guid);
    assert.equal(hub.counts.closed, 0);
  }));

  test(`${name}: a group hears of its execution only, until it is left`, () => withHub(way, async (hub) => {
    const [mine, other] = await Promise.all([
      hub.invoke('ExecuteWorkflow', 'a', {}), hub.invoke('ExecuteWorkflow', 'b', {})]);
    // Without an invocation id nothing is answered; with one, it is joined already.
    await hub.connection.send('SubscribeToExecution', mine);
    await hub.invoke('SubscribeToExecution', mine);
    await node.publish([run(mine, { status: 'running' }), run(other, { status: 'running' })]);
    await hub.told(mine, 1);
    await hub.invoke('UnsubscribeFromExecution', mine);
    await hub.invoke('SubscribeToExecution', other);
    await node.publish([run(mine, { status: 'failed', error_message: 'x' }),
      run(other, { status: 'cancelled' })]);
    await hub.told(other, 1);
    assert.deepEqual(hub.words(mine), ['WorkflowStarted']);
    assert.deepEqual(hub.words(other), ['WorkflowCompleted']);
    assert.equal(hub.events.at(-1).args[0].status, 'Cancelled');
    assert.equal(await hub.invoke('UnsubscribeFromExecution', 'never-joined'), null);
  }));

  test(`${name}: many messages come whole and in order`, () => withHub(way, async (hub) => {
    const id = await hub.invoke('ExecuteWorkflow', 'many', {});
    await hub.invoke('SubscribeToExecution', id);
    const events = course(id, 300);
    for (let i = 0; i < events.length; i += 50) await node.publish(events.slice(i, i + 50));
    await hub.told(id, told(300).length);
    assert.deepEqual(hub.words(id), told(300));
    hub.events = [];
    assert.equal(await hub.invoke('ReplayExecution', id, 0), told(300).length);
    assert.deepEqual(hub.words(id), told(300));
  }));

  test(`${name}: a client that stops is gone at once`, async () => {
    const hub = await new Hub(node.url, { ...way, claims: { sub: `leaver ${name}` } }).start();
    const listed = async () => (await node.http('GET', '/v1/admin/sessions?limit=1000'))
      .items.filter((x) => x.user === `leaver ${name}`);
    const there = await eventually(async () => (await listed())[0], 'being listed');
    assert.equal(there.vocabulary, 'signalr');
    await hub.stop();
    await eventually(async () => (await listed()).length === 0, 'being gone');
  });
}

test('the transports are told apart in the list of sessions', async () => {
  const hub = await new Hub(node.url, { transport: LongPolling, claims: { sub: 'poller' } }).start();
  const id = await hub.invoke('ExecuteWorkflow', 'listed', {});
  await hub.invoke('SubscribeToExecution', id);
  const all = (await node.http('GET', '/v1/admin/sessions?limit=1000')).items;
  const mine = all.find((x) => x.user === 'poller' && x.vocabulary === 'signalr');
  assert.equal(mine.transport, 'long-polling');
  assert.deepEqual(mine.rooms, [`execution-${id}`]);
  await hub.stop();
});
