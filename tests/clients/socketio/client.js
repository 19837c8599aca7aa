"use strict";
// The published client, with a memory.

const { io } = require("socket.io-client");
const { within, until, token } = require("./support.js");

/** A socket.io client of `/workflows` that keeps what it is told. */
class Client {
  constructor(url, options = {}) {
    const { claims, ...rest } = options;
    this.told = [];
    this.connects = [];
    this.socket = io(`${url}/workflows`, {
      auth: { token: token(claims) },
      forceNew: true,
      reconnectionDelay: 300,
      reconnectionDelayMax: 600,
      transports: ["websocket"],
      ...rest,
    });
    this.socket.on("connect", () => this.connects.push({ id: this.socket.id, recovered: this.socket.recovered }));
    this.socket.onAny((name, ...args) => {
      if (name.startsWith("execution:")) this.told.push([name, args[0]]);
    });
  }

  /** Resolves when connected, rejects with the message of a CONNECT_ERROR. */
  ready() {
    return within(
      new Promise((resolve, reject) => {
        if (this.socket.connected) resolve(this);
        this.socket.once("connect", () => resolve(this));
        this.socket.once("connect_error", reject);
      }),
      "connect",
    );
  }

  ask(event, ...args) {
    return this.socket.timeout(8000).emitWithAck(event, ...args);
  }

  async subscribe(...runs) {
    for (const run of runs) {
      const answer = await this.ask("subscribe:execution", run);
      if (!answer.ok) throw new Error(answer.error);
    }
    return this;
  }

  /** The counts of counter events, in order. */
  counts(run) {
    return this.told.filter(([name, x]) => name === "execution:fetched" && (!run || x.executionId === run)).map(([, x]) => x.count);
  }

  async has(n, run) {
    await until(() => this.counts(run).length >= n, `${n} events, got ${this.counts(run).length}`);
  }

  /** Breaks the transport as a lost network does. */
  async cut() {
    const gone = new Promise((resolve) => this.socket.once("disconnect", resolve));
    this.socket.io.engine.close();
    return within(gone, "disconnect");
  }

  end() {
    this.socket.disconnect();
  }
}

module.exports = { Client };
