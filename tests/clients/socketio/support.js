"use strict";
// What the tests of this folder share: processes, and waiting with a deadline.

const { spawn } = require("node:child_process");
const crypto = require("node:crypto");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const patience = 10000;

/** Rejects when `promise` takes longer than `ms`. */
function within(promise, what, ms = patience) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`too late: ${what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Waits until `condition()` holds (it may be asynchronous). */
async function until(condition, what, ms = patience) {
  const end = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`too late: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A child process whose first line is a JSON object (`ready`). */
function start(program, args, env = {}) {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let errors = "";
  child.stderr.on("data", (x) => (errors += x));
  const gone = new Promise((resolve) => child.once("exit", resolve));
  const ready = new Promise((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (x) => {
      text += x;
      if (text.includes("\n")) resolve(JSON.parse(text.slice(0, text.indexOf("\n"))));
    });
    gone.then(() => reject(new Error(`${program} has ended: ${errors}`)));
  });
  ready.catch(() => {});
  process.once("exit", () => child.kill("SIGKILL"));
  return {
    ready: within(ready, program, 30000),
    end: async (signal = "SIGTERM") => {
      child.kill(signal);
      await within(gone, `${program} ends`, 20000);
    },
  };
}

const secret = "a secret for tests, long enough for HS256";

/** A token as `callboard token` makes them. */
function token(claims = {}) {
  const part = (x) => Buffer.from(JSON.stringify(x)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const text =
    part({ alg: "HS256", typ: "JWT" }) +
    "." +
    part({ sub: "u1", tenant: "t1", scope: "publish subscribe operate", iat: now, exp: now + 3600, ...claims });
  return text + "." + crypto.createHmac("sha256", secret).update(text).digest("base64url");
}

/** A node with its data; it can be killed and started again on the same port. */
class Node {
  constructor(settings = {}) {
    this.settings = settings;
    this.data = fs.mkdtempSync(path.join(os.tmpdir(), "callboard-sio-"));
    this.port = 0;
  }

  async start() {
    const env = { CALLBOARD_AUTH_SECRET: secret, CALLBOARD_LOG_LEVEL: "warn" };
    for (const [key, value] of Object.entries(this.settings)) env[`CALLBOARD_${key}`] = String(value);
    this.child = start(
      process.env.CALLBOARD_BINARY,
      ["serve", "--dev", "--data", this.data, "--listen", `127.0.0.1:${this.port}`],
      env,
    );
    this.url = (await this.child.ready).url;
    this.port = Number(new URL(this.url).port);
    return this;
  }

  end(signal) {
    return this.child.end(signal);
  }

  async stop() {
    await this.end("SIGKILL");
    fs.rmSync(this.data, { recursive: true, force: true });
  }

  async publish(project, events, claims) {
    const answer = await fetch(`${this.url}/v1/projects/${project}/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${token(claims)}`, "content-type": "application/json" },
      body: JSON.stringify(events),
    });
    const body = await answer.json();
    if (!answer.ok || body.results.some((x) => x.error)) throw new Error(JSON.stringify(body));
    return body;
  }
}

/** Events of contract 1. */
const run = (id, changes) => ({ type: "workflow:execution:updated", data: { execution_id: id, changes } });
const counter = (id, name, count) => ({
  type: "workflow:execution:event:created",
  data: { execution_id: id, event: { kind: "counter", name, count } },
});

module.exports = { within, until, start, token, Node, run, counter };
