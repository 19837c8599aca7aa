// Who may do what, and what the protocol's other users are answered.
'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const WebSocket = require('ws');
const { Hub, signalR } = require('./hub.js');
const { Node, course, eventually, run, token, told, within } = require('./support.js');

const { WebSockets, LongPolling } = signalR.HttpTransportType;
const path = '/hubs/workflow-execution';
const mark = '\x1e';

let node;
test.before(async () => {
  node = await new Node({
    CALLBOARD_SIGNALR_HANDSHAKE_TIMEOUT: '2s',
    CALLBOARD_SIGNALR_DISCONNECT_TIMEOUT: '3s',
    CALLBOARD_SIGNALR_KEEP_ALIVE_INTERVAL: '1s',
    CALLBOARD_SIGNALR_CLIENT_TIMEOUT: '4s',
  }).start();
});
test.after(() => node.remove());

function call(method, target, { claims, body, accept, bare } = {}) {
  const headers = bare ? {} : { authorization: `Bearer ${token(claims)}` };
  if (accept) headers.accept = accept;
  return fetch(node.url + target, { method, headers, body });
}

async function negotiate(query = '?negotiateVersion=1', options = {}) {
  const response = await call('POST', `${path}/negotiate${query}`, options);
  assert.equal(response.status, 200);
  return response.json();
}

/** A WebSocket without the client's library; `texts` are the records it got. */
function socket(query, claims) {
  const ws = new WebSocket(`${node.url.replace('http', 'ws')}${path}${query}`,
    { headers: { authorization: `Bearer ${token(claims)}` } });
  ws.texts = [];
  ws.on('message', (x) => ws.texts.push(...String(x).split(mark).filter((y) => y !== '')));
  ws.on('error', () => {});
  ws.ended = new Promise((resolve) => ws.once('close', (code) => resolve(code)));
  ws.opened = new Promise((resolve, reject) => {
    ws.once('open', resolve);
    ws.once('unexpected-response', (_, response) => reject(new Error(String(response.statusCode))));
  });
  ws.says = (x) => ws.send((typeof x === 'string' ? x : JSON.stringify(x)) + mark);
  ws.heard = (count) => eventually(() => ws.texts.length >= count, `${count} records`);
  return ws;
}

async function opened(query = '', handshake = { protocol: 'json', version: 1 }) {
  const ws = socket(query);
  await within(ws.opened, 'the WebSocket');
  ws.says(handshake);
  await ws.heard(1);
  return ws;
}

test('negotiation needs a valid token', async () => {
  assert.equal((await call('POST', `${path}/negotiate`, { bare: true })).status, 401);
  const expired = { exp: Math.floor(Date.now() / 1000) - 10 };
  assert.equal((await call('POST', `${path}/negotiate`, { claims: expired })).status, 401);
  await assert.rejects(new Hub(node.url, { claims: expired }).start(), /401/);
  await assert.rejects(socket('', expired).opened, /401/);
  assert.equal((await call('GET', `${path}/negotiate`)).status, 405);
});

test('negotiation speaks both of its versions', async () => {
  const first = await negotiate('');
  assert.equal(first.negotiateVersion, 0);
  assert.equal(first.connectionToken, undefined);
  const second = await negotiate();
  assert.equal(second.negotiateVersion, 1);
  assert.notEqual(second.connectionToken, second.connectionId);
  assert.deepEqual(second.availableTransports.map((x) => x.transport),
    ['WebSockets', 'ServerSentEvents', 'LongPolling']);
  for (const x of second.availableTransports) assert.deepEqual(x.transferFormats, ['Text']);
  assert.equal((await negotiate('?negotiateVersion=1&useStatefulReconnect=true'))
    .useStatefulReconnect, true);
  assert.match((await negotiate('?negotiateVersion=x')).error, /non-integer/);
  const ws = await opened(`?id=${first.connectionId}`);
  assert.deepEqual(ws.texts, ['{}']);
  ws.close();
});

test('a connection cannot be taken over by another user', async () => {
  const { connectionToken: id } = await negotiate();
  for (const claims of [{ sub: 'somebody else' }, { tenant: 't2' }]) {
    assert.equal((await call('GET', `${path}?id=${id}`, { claims })).status, 403);
    assert.equal((await call('POST', `${path}?id=${id}`, { claims, body: 'x' })).status, 403);
    assert.equal((await call('DELETE', `${path}?id=${id}`, { claims })).status, 403);
    await assert.rejects(socket(`?id=${id}`, claims).opened, /403/);
  }
  await (await opened(`?id=${id}`)).close();
});

test('requests that do not fit are answered as the transports say', async () => {
  assert.equal((await call('GET', path)).status, 400);
  assert.equal((await call('POST', path, { body: 'x' })).status, 400);
  for (const method of ['GET', 'POST', 'DELETE']) {
    assert.equal((await call(method, `${path}?id=none`)).status, 404);
  }
  await assert.rejects(socket('?id=none').opened, /404/);
  assert.equal((await call('GET', `${path}?id=none`, { accept: 'text/event-stream' })).status, 404);
  assert.equal((await call('PUT', `${path}?id=none`)).status, 404);

  const { connectionToken: id } = await negotiate();
  assert.equal((await call('POST', `${path}?id=${id}`, { body: 'x' })).status, 409);
  const ws = await opened(`?id=${id}`);
  await assert.rejects(socket(`?id=${id}`).opened, /409/);
  assert.equal((await call('GET', `${path}?id=${id}`)).status, 400);
  assert.equal((await call('POST', `${path}?id=${id}`, { body: 'x' })).status, 405);
  assert.equal((await call('DELETE', `${path}?id=${id}`)).status, 400);
  ws.close();
});

test('a poll is ended by the next one, and by DELETE', async () => {
  const { connectionToken: id } = await negotiate();
  const poll = () => call('GET', `${path}?id=${id}`);
  const first = await poll();
  assert.equal(first.status, 200);
  assert.equal(await first.text(), '');
  const sent = await call('POST', `${path}?id=${id}`, { body: `{"protocol":"json","version":1}${mark}` });
  assert.equal(sent.status, 200);
  assert.equal(await (await poll()).text(), `{}${mark}`);
  const [one, two] = [poll(), new Promise((resolve) => setTimeout(() => resolve(poll()), 50))];
  assert.equal((await one).status, 204);
  assert.equal((await call('DELETE', `${path}?id=${id}`)).status, 202);
  assert.equal((await two).status, 204);
  assert.equal((await poll()).status, 404);
});

test('a handshake for another protocol is refused in its words', async () => {
  for (const [handshake, why] of [
    [{ protocol: 'messagepack', version: 1 }, /messagepack.*not supported/],
    [{ protocol: 'json', version: 99 }, /version 99/],
    [{ type: 6 }, /handshake/],
    ['nonsense', /handshake/],
  ]) {
    const ws = await opened('', handshake);
    assert.match(JSON.parse(ws.texts[0]).error, why);
    await within(ws.ended, 'the end');
    assert.equal(ws.texts.length, 1);
  }
  const silent = socket('');
  await within(silent.ended, 'giving up a client without handshake');
  assert.match(JSON.parse(silent.texts[0]).error, /cancel/i);
});

test('what is no message ends the connection, what is unknown does not', async () => {
  const ws = await opened();
  for (const x of [{ type: 99, new: true }, { type: 5, invocationId: '7' }, { type: 6 },
    { type: 3, invocationId: '9', result: 1 }, { type: 1, target: 'NoSuch', arguments: [] },
    { type: 1, invocationId: 'a', target: 'SubscribeToExecution', arguments: { no: 1 } }]) {
    ws.says(x);
  }
  await ws.heard(2);
  const failed = JSON.parse(ws.texts[1]);
  assert.equal(failed.type, 3);
  assert.equal(failed.invocationId, 'a');
  assert.match(failed.error, /arguments/);
  ws.says('{"type":1');
  await within(ws.ended, 'the end');
  const last = JSON.parse(ws.texts.at(-1));
  assert.equal(last.type, 7);
  assert.ok(last.error);
  assert.notEqual(last.allowReconnect, true);
});

test('messages may be split over frames, and several be in one', async () => {
  const ws = socket('');
  await within(ws.opened, 'the WebSocket');
  const whole = `{"protocol":"json","version":1}${mark}`
    + `{"type":1,"invocationId":"1","target":"ExecuteWorkflow","arguments":["x",{}]}${mark}`
    + `{"type":1,"invocationId":"2","target":"NoSuch","arguments":[]}${mark}`;
  for (let i = 0; i < whole.length; i += 7) ws.send(whole.slice(i, i + 7));
  await ws.heard(3);
  const answers = ws.texts.slice(1).map((x) => JSON.parse(x));
  assert.deepEqual(answers.map((x) => x.invocationId).sort(), ['1', '2']);
  ws.close();
});

test('a silent client is dropped; one that pings gets pings and stays', async () => {
  const silent = await opened();
  const lively = await opened();
  const timer = setInterval(() => lively.says({ type: 6 }), 500);
  await within(silent.ended, 'dropping the silent client');
  assert.equal(JSON.parse(silent.texts.at(-1)).type, 7);
  assert.equal(lively.readyState, WebSocket.OPEN);
  clearInterval(timer);
  assert.ok(lively.texts.filter((x) => JSON.parse(x).type === 6).length >= 1);
  lively.close();
});

test('a negotiated connection that never connects is forgotten', async () => {
  const { connectionToken: id } = await negotiate();
  await eventually(async () => (await call('POST', `${path}?id=${id}`)).status === 404,
    'being forgotten');
});

test('rights come from the token', async () => {
  const denied = async (claims, ...args) => {
    const hub = await new Hub(node.url, { transport: WebSockets, claims }).start();
    const why = await hub.refused(...args);
    await hub.stop();
    return why;
  };
  assert.match(await denied({ default_project: undefined, projects: ['p1', 'p2'] }, 'ExecuteWorkflow', 'x', {}),
    /default_project/);
  assert.match(await denied({ scope: 'subscribe' }, 'ExecuteWorkflow', 'x', {}), /publish/);
  assert.match(await denied({ projects: ['p9'] }, 'ExecuteWorkflow', 'x', {}), /reach/);
  await node.publish([run('foreign', { status: 'running' })]);
  for (const claims of [{ tenant: 't2' }, { projects: ['p9'] }, { projects: [] }]) {
    assert.equal(await denied(claims, 'SubscribeToExecution', 'foreign'), 'not found');
    assert.equal(await denied(claims, 'ReplayExecution', 'foreign', 0), 'not found');
  }
  assert.match(await denied({ scope: 'publish' }, 'SubscribeToExecution', 'foreign'), /subscribe/);
});

test('an expired token ends the connection, and a fresh one comes back', async () => {
  let made = 0;
  const claims = { get exp() { return Math.floor(Date.now() / 1000) + (++made > 2 ? 3600 : 3); } };
  const hub = await new Hub(node.url, { transport: WebSockets, claims, retry: [0, 200, 500, 1000] }).start();
  await eventually(() => hub.counts.reconnected === 1, 'the reconnect');
  await hub.stop();
});

test('a token without default_project executes where it can only mean', async () => {
  for (const [claims, project] of [[{ projects: ['p7'] }, 'p7'], [{}, 'default']]) {
    const hub = await new Hub(node.url, { transport: WebSockets,
      claims: { default_project: undefined, ...claims } }).start();
    const id = await hub.invoke('ExecuteWorkflow', 'x', {});
    assert.equal((await node.http('GET', `/v1/projects/${project}/runs/${id}`)).workflow_name, 'x');
    await hub.stop();
  }
});

test('a definition is found by its id and by its name', async () => {
  await node.http('PUT', '/v1/projects/p1/definitions/def-1', { name: 'Build it', phases: ['a'] });
  const hub = await new Hub(node.url, { transport: LongPolling }).start();
  for (const name of ['def-1', 'Build it', 'Unknown']) {
    const id = await hub.invoke('ExecuteWorkflow', name, {});
    const made = await node.http('GET', `/v1/projects/p1/runs/${id}`);
    assert.equal(made.workflow_name, name);
    assert.equal(made.workflow_definition_id ?? null, name === 'Unknown' ? null : 'def-1');
  }
  await hub.stop();
});

test('replay begins behind the number that is named', async () => {
  const hub = await new Hub(node.url, { transport: WebSockets, claims: { default_project: 'p2' } }).start();
  const numbers = await node.publish(course('replayed', 2), 'p2');
  await node.publish(course('another', 2), 'p2');
  assert.equal(await hub.invoke('ReplayExecution', 'replayed', numbers[1]), told(2).length - 2);
  assert.deepEqual(hub.words('replayed'), told(2).slice(2));
  assert.equal(await hub.invoke('ReplayExecution', 'replayed', numbers.at(-1)), 0);
  assert.equal(await hub.invoke('ReplayExecution', 'replayed', 1e9), 0);
  await hub.stop();
});
