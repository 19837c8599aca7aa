// A connection of the published client, and what it was told.
'use strict';

const signalR = require('@microsoft/signalr');
const { eventually, token } = require('./support.js');

const targets = ['WorkflowStarted', 'TaskStarted', 'TaskCompleted', 'WorkflowCompleted'];
const quiet = { log() {} };

class Hub {
  /**
   * @param {string} base where the node is
   * @param {object} options `transport`, `claims`, `skipNegotiation`,
   *   `stateful`, `retry` (delays of withAutomaticReconnect)
   */
  constructor(base, options = {}) {
    const builder = new signalR.HubConnectionBuilder()
      .withUrl(`${base}/hubs/workflow-execution`, {
        transport: options.transport,
        skipNegotiation: options.skipNegotiation,
        accessTokenFactory: () => token(options.claims),
      })
      .configureLogging(quiet);
    if (options.retry) builder.withAutomaticReconnect(options.retry);
    if (options.stateful) builder.withStatefulReconnect();
    this.connection = builder.build();
    this.events = [];
    this.counts = { reconnecting: 0, reconnected: 0, closed: 0 };
    for (const target of targets) {
      this.connection.on(target, (...args) => this.events.push({ target, args }));
    }
    this.connection.onreconnecting(() => { ++this.counts.reconnecting; });
    this.connection.onreconnected(() => { ++this.counts.reconnected; });
    this.connection.onclose((error) => { ++this.counts.closed; this.closeError = error; });
  }

  async start() {
    await this.connection.start();
    return this;
  }

  stop() {
    return this.connection.stop();
  }

  invoke(...args) {
    return this.connection.invoke(...args);
  }

  /** The message of the error that an invocation ends with. */
  async refused(...args) {
    try {
      await this.connection.invoke(...args);
    } catch (error) {
      return error.message;
    }
    throw new Error(`${args[0]} was not refused`);
  }

  /** What was told of an execution: target and task. */
  words(id) {
    return this.events.filter((x) => x.args[0].executionId === id)
      .map((x) => (x.args[0].taskId ? `${x.target} ${x.args[0].taskId}` : x.target));
  }

  told(id, count) {
    return eventually(() => this.words(id).length >= count,
      `${count} messages of ${id}, have ${this.words(id)}`);
  }
}

module.exports = { Hub, signalR };
