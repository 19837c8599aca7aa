// What the tests of this folder share: the node as a child process, tokens,
// publishing, and waiting for things without sleeping.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const { spawn } = require('node:child_process');

const secret = 'client-tests-use-this-secret-0123456789';
const patience = 20_000;

/** Resolves as `promise` does, or fails after a while saying what was awaited. */
function within(promise, what, limit = patience) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`timed out: ${what}`)), limit);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Looks at `condition` every few milliseconds until it is truthy. */
async function eventually(condition, what, limit = patience) {
  const until = Date.now() + limit;
  for (;;) {
    const x = await condition();
    if (x) return x;
    if (Date.now() > until) throw new Error(`timed out: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A token signed with the tests' secret. */
function token(claims = {}) {
  const encode = (x) => Buffer.from(JSON.stringify(x)).toString('base64url');
  const all = {
    tenant: 't1', sub: 'tester', scope: 'publish subscribe operate',
    default_project: 'p1', exp: Math.floor(Date.now() / 1000) + 3600, ...claims,
  };
  for (const key of Object.keys(all)) if (all[key] === undefined) delete all[key];
  const body = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(all)}`;
  const mac = crypto.createHmac('sha256', secret).update(body).digest('base64url');
  return `${body}.${mac}`;
}

/** `callboard serve` on a free port; restart() comes back on the same one. */
class Node {
  constructor(settings = {}) {
    this.settings = settings;
    this.data = fs.mkdtempSync(path.join(os.tmpdir(), 'callboard-clients-'));
    this.port = 0;
    this.errors = '';
  }

  async start() {
    const binary = process.env.CALLBOARD_BINARY;
    if (!binary) throw new Error('CALLBOARD_BINARY names no program');
    this.child = spawn(binary, ['serve', '--dev', '--data', this.data,
      '--listen', `127.0.0.1:${this.port}`],
    { env: { ...process.env, CALLBOARD_AUTH_SECRET: secret, ...this.settings } });
    this.child.stderr.on('data', (x) => { this.errors += x; });
    this.exited = new Promise((resolve) => this.child.once('exit', resolve));
    const lines = readline.createInterface({ input: this.child.stdout });
    const first = new Promise((resolve, reject) => {
      lines.once('line', resolve);
      this.exited.then(() => reject(new Error(`the node ended:\n${this.errors}`)));
    });
    const ready = JSON.parse(await within(first, 'the ready line'));
    this.url = ready.url;
    this.port = Number(new URL(ready.url).port);
    return this;
  }

  /** Sends the signal and waits for the end. */
  async stop(signal = 'SIGKILL') {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill(signal);
    }
    await within(this.exited, `the end after ${signal}`);
  }

  async remove() {
    await this.stop();
    fs.rmSync(this.data, { recursive: true, force: true });
  }

  async http(method, target, body, claims) {
    const response = await fetch(this.url + target, {
      method,
      headers: { authorization: `Bearer ${token(claims)}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${target}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** The value of a metric without labels. */
  async metric(name) {
    const response = await fetch(`${this.url}/metrics`,
      { headers: { authorization: `Bearer ${token()}` } });
    const found = new RegExp(`^${name} (\\S+)$`, 'm').exec(await response.text());
    if (!found) throw new Error(`there is no metric ${name}`);
    return Number(found[1]);
  }

  /** Publishes events and expects all to be accepted; the numbers they got. */
  async publish(events, project = 'p1', claims = {}) {
    const answer = await this.http('POST', `/v1/projects/${project}/events`, events, claims);
    return answer.results.map((x) => {
      if (x.error) throw new Error(JSON.stringify(x.error));
      return x.seq;
    });
  }
}

const run = (id, changes) => ({
  type: 'workflow:execution:updated', data: { execution_id: id, changes },
});
const step = (id, stepId, changes) => ({
  type: 'workflow:execution:step:updated',
  data: { execution_id: id, step_id: stepId, changes },
});

/** The course of a run with that many steps, as its producer tells it. */
function course(id, steps = 1) {
  const events = [run(id, { status: 'running' })];
  for (let i = 1; i <= steps; ++i) {
    events.push(step(id, `s${i}`, { name: `Step ${i}`, status: 'running' }));
    events.push(step(id, `s${i}`, { status: 'completed', output: { n: i } }));
  }
  events.push(run(id, { status: 'completed', output: { done: true } }));
  return events;
}

/** What the hub says of course(id, steps): target and task, in order. */
function told(steps = 1) {
  const words = ['WorkflowStarted'];
  for (let i = 1; i <= steps; ++i) words.push(`TaskStarted s${i}`, `TaskCompleted s${i}`);
  return [...words, 'WorkflowCompleted'];
}

/** Passes connections on to a port, and can cut them. */
class Proxy {
  constructor(port) {
    this.target = port;
    this.sockets = new Set();
    this.server = net.createServer((client) => {
      const server = net.connect(this.target, '127.0.0.1');
      for (const x of [client, server]) {
        this.sockets.add(x);
        x.on('error', () => {});
        x.on('close', () => { this.sockets.delete(x); client.destroy(); server.destroy(); });
      }
      client.pipe(server);
      server.pipe(client);
    });
  }

  async start() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  cut() {
    for (const x of this.sockets) x.resetAndDestroy ? x.resetAndDestroy() : x.destroy();
  }

  stop() {
    this.cut();
    return new Promise((resolve) => this.server.close(resolve));
  }
}

module.exports = {
  Node, Proxy, course, eventually, patience, run, step, token, told, within,
};
