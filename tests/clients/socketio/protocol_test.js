"use strict";
// The rules of Engine.IO 4 and Socket.IO 5, each checked against the echo
// application: those that the protocols' public test suites check, and more.

const { test, before, after, describe } = require("node:test");
const assert = require("node:assert/strict");
const WebSocket = require("ws");
const { start, within } = require("./support.js");

const ping_interval = 300;
const ping_timeout = 200;
const max_payload = 1000000;

let echo;
let base;

before(async () => {
  echo = start(process.env.CALLBOARD_SOCKETIO_ECHO, ["0"]);
  base = `http://127.0.0.1:${(await echo.ready).port}`;
});

after(() => echo.end());

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const address = (path, query) => `${base}/${path}/?${new URLSearchParams(query)}`;
const polling = { EIO: 4, transport: "polling" };
const websocket = { EIO: 4, transport: "websocket" };

/** A WebSocket whose messages are read one by one. */
class Socket {
  constructor(path, query) {
    this.ws = new WebSocket(address(path, query).replace("http", "ws"));
    this.waiting = [];
    this.messages = [];
    this.opened = new Promise((resolve, reject) => {
      this.ws.once("open", resolve);
      this.ws.once("error", reject);
    });
    this.opened.catch(() => {});
    this.closed = new Promise((resolve) => this.ws.once("close", resolve));
    this.ws.on("error", () => {});
    this.ws.on("message", (data, binary) => {
      const x = binary ? data : data.toString();
      const next = this.waiting.shift();
      if (next) next(x);
      else this.messages.push(x);
    });
  }

  send(x) {
    this.ws.send(x);
  }

  next() {
    if (this.messages.length > 0) return Promise.resolve(this.messages.shift());
    return within(new Promise((resolve) => this.waiting.push(resolve)), "a message");
  }

  /** Pings are answered and left out. */
  async talk() {
    for (;;) {
      const x = await this.next();
      if (x !== "2") return x;
      this.send("3");
    }
  }

  gone() {
    return within(this.closed, "the connection closes");
  }

  close() {
    this.ws.close();
    return this.gone();
  }
}

async function open_polling(path = "engine.io") {
  const answer = await fetch(address(path, polling));
  assert.equal(answer.status, 200);
  return JSON.parse((await answer.text()).slice(1)).sid;
}

const poll = (sid, path = "engine.io", options = {}) => fetch(address(path, { ...polling, sid }), options);
const push = (sid, body, path = "engine.io") => fetch(address(path, { ...polling, sid }), { method: "POST", body });

async function refused(answer, code, status = 400) {
  assert.equal(answer.status, status);
  if (code !== undefined) assert.equal((await answer.json()).code, code);
}

describe("handshake", () => {
  for (const path of ["engine.io", "socket.io"]) {
    test(`${path}: long-polling opens a session`, async () => {
      const answer = await fetch(address(path, polling));
      assert.equal(answer.status, 200);
      assert.match(answer.headers.get("content-type"), /^text\/plain/);
      const text = await answer.text();
      assert.equal(text[0], "0");
      const { sid, ...rest } = JSON.parse(text.slice(1));
      assert.match(sid, /^[A-Za-z0-9_-]{20,}$/);
      assert.deepEqual(rest, {
        upgrades: ["websocket"],
        pingInterval: ping_interval,
        pingTimeout: ping_timeout,
        maxPayload: max_payload,
      });
    });

    test(`${path}: a WebSocket opens a session`, async () => {
      const socket = new Socket(path, websocket);
      const text = await socket.next();
      assert.equal(text[0], "0");
      const { sid, ...rest } = JSON.parse(text.slice(1));
      assert.equal(typeof sid, "string");
      assert.deepEqual(rest, {
        upgrades: [],
        pingInterval: ping_interval,
        pingTimeout: ping_timeout,
        maxPayload: max_payload,
      });
      await socket.close();
    });
  }

  test("other protocol versions are refused", async () => {
    for (const query of [{ transport: "polling" }, { EIO: "abc", transport: "polling" }, { EIO: 3, transport: "polling" }])
      await refused(await fetch(address("engine.io", query)), 5);
    for (const query of [{ transport: "websocket" }, { EIO: "abc", transport: "websocket" }, { EIO: 3, transport: "websocket" }])
      await new Socket("engine.io", query).gone();
  });

  test("other transports are refused", async () => {
    await refused(await fetch(address("engine.io", { EIO: 4 })), 0);
    await refused(await fetch(address("engine.io", { EIO: 4, transport: "abc" })), 0);
    await refused(await fetch(address("engine.io", { EIO: 4, transport: "constructor" })), 0);
    await new Socket("engine.io", { EIO: 4 }).gone();
    await new Socket("engine.io", { EIO: 4, transport: "abc" }).gone();
  });

  test("other methods are refused", async () => {
    for (const method of ["POST", "PUT", "DELETE"])
      await refused(await fetch(address("engine.io", polling), { method }), 2);
  });

  test("a WebSocket must ask for an upgrade", async () => {
    await refused(await fetch(address("engine.io", websocket)), 3);
  });

  test("unknown sessions are refused", async () => {
    await refused(await poll("abcdefghijklmnopqrst"), 1);
    await refused(await push("abcdefghijklmnopqrst", "4x"), 1);
    await new Socket("engine.io", { ...websocket, sid: "abcdefghijklmnopqrst" }).gone();
  });

  test("session ids differ", async () => {
    const ids = new Set();
    for (let i = 0; i < 20; i++) ids.add(await open_polling());
    assert.equal(ids.size, 20);
  });
});

describe("messages over long-polling", () => {
  for (const [what, payload] of [
    ["one text", "4hello"],
    ["several texts", "4test1\x1e4test2\x1e4test3"],
    ["text and bytes", "4hello\x1ebAQIDBA=="],
  ])
    test(`${what} comes back`, async () => {
      const sid = await open_polling();
      const pushed = await push(sid, payload);
      assert.equal(pushed.status, 200);
      assert.equal(await pushed.text(), "ok");
      const polled = await poll(sid);
      assert.equal(polled.status, 200);
      assert.equal(await polled.text(), payload);
    });

  test("a poll waits for a message", async () => {
    const sid = await open_polling();
    const polled = poll(sid);
    await pause(20);
    await push(sid, "4late");
    assert.equal(await (await polled).text(), "4late");
  });

  test("what is no packet ends the session", async () => {
    for (const body of ["abc", "", "4a\x1e", "b???"]) {
      const sid = await open_polling();
      await refused(await push(sid, body));
      await refused(await poll(sid));
    }
  });

  test("a body over maxPayload is refused", async () => {
    const sid = await open_polling();
    assert.equal((await push(sid, "4" + "x".repeat(max_payload))).status, 413);
    assert.equal((await push(sid, "4" + "x".repeat(max_payload - 1))).status, 200);
  });

  test("a second poll at a time ends the session", async () => {
    const sid = await open_polling();
    const [first, second] = await Promise.all([poll(sid), pause(20).then(() => poll(sid))]);
    assert.equal(first.status, 200);
    assert.equal(await first.text(), "1");
    await refused(second);
    await refused(await poll(sid));
  });

  test("a cancelled poll ends the session", async () => {
    const sid = await open_polling();
    const cancel = new AbortController();
    const polled = poll(sid, "engine.io", { signal: cancel.signal }).catch(() => {});
    await pause(20);
    cancel.abort();
    await polled;
    await pause(20);
    await refused(await poll(sid));
  });
});

describe("messages over WebSocket", () => {
  test("text and bytes come back", async () => {
    const socket = new Socket("engine.io", websocket);
    await socket.next();
    socket.send("4hello");
    assert.equal(await socket.talk(), "4hello");
    socket.send(Buffer.from([1, 2, 3, 4]));
    assert.deepEqual(await socket.talk(), Buffer.from([1, 2, 3, 4]));
    await socket.close();
  });

  test("what is no packet ends the session", async () => {
    const socket = new Socket("engine.io", websocket);
    await socket.next();
    socket.send("abc");
    await socket.gone();
  });

  test("a message over maxPayload ends the session", async () => {
    const socket = new Socket("engine.io", websocket);
    await socket.next();
    socket.send("4" + "x".repeat(max_payload));
    assert.equal(await socket.gone(), 1009);
  });
});

describe("heartbeat", () => {
  test("long-polling: pings come, and pongs keep the session", async () => {
    const sid = await open_polling();
    for (let i = 0; i < 3; i++) {
      assert.equal(await (await poll(sid)).text(), "2");
      assert.equal((await push(sid, "3")).status, 200);
    }
  });

  test("long-polling: a silent client is given up", async () => {
    const sid = await open_polling();
    await pause(ping_interval + ping_timeout);
    await refused(await poll(sid), 1);
  });

  test("WebSocket: pings come, and pongs keep the session", async () => {
    const socket = new Socket("engine.io", websocket);
    await socket.next();
    for (let i = 0; i < 3; i++) {
      assert.equal(await socket.next(), "2");
      socket.send("3");
    }
    await socket.close();
  });

  test("WebSocket: a silent client is given up", async () => {
    const socket = new Socket("engine.io", websocket);
    const begin = Date.now();
    await socket.gone();
    assert.ok(Date.now() - begin >= ping_interval + ping_timeout - 50);
  });
});

describe("close", () => {
  test("long-polling: the pending poll is released", async () => {
    const sid = await open_polling();
    const [polled] = await Promise.all([poll(sid), push(sid, "1")]);
    assert.equal(polled.status, 200);
    assert.equal(await polled.text(), "6");
    await refused(await poll(sid), 1);
  });

  test("WebSocket: the connection closes", async () => {
    const socket = new Socket("engine.io", websocket);
    await socket.next();
    socket.send("1");
    await socket.gone();
  });
});

describe("upgrade", () => {
  async function upgraded(sid) {
    const socket = new Socket("engine.io", { ...websocket, sid });
    await within(socket.opened, "the upgrade");
    socket.send("2probe");
    assert.equal(await socket.next(), "3probe");
    return socket;
  }

  test("goes by probe, noop and upgrade", async () => {
    const sid = await open_polling();
    const socket = await upgraded(sid);
    const polled = await poll(sid);
    assert.equal(polled.status, 200);
    assert.equal(await polled.text(), "6");
    socket.send("5");
    socket.send("4hello");
    assert.equal(await socket.talk(), "4hello");
    await socket.close();
  });

  test("a poll that is pending is released by the probe", async () => {
    const sid = await open_polling();
    const polled = poll(sid);
    await pause(20);
    const socket = await upgraded(sid);
    assert.equal(await (await polled).text(), "6");
    await socket.close();
  });

  test("what was sent during the upgrade arrives once, in order", async () => {
    const sid = await open_polling();
    const socket = await upgraded(sid);
    await push(sid, "4a\x1e4b");
    socket.send("5");
    socket.send("4c");
    assert.equal(await socket.talk(), "4a");
    assert.equal(await socket.talk(), "4b");
    assert.equal(await socket.talk(), "4c");
    await socket.close();
  });

  test("afterwards, HTTP requests of the session are refused", async () => {
    const sid = await open_polling();
    const socket = await upgraded(sid);
    socket.send("5");
    socket.send("4done");
    assert.equal(await socket.talk(), "4done");
    await refused(await poll(sid), 3);
    await refused(await push(sid, "4x"), 3);
    socket.send("4hello");
    assert.equal(await socket.talk(), "4hello");
    await socket.close();
  });

  test("afterwards, a second WebSocket is refused", async () => {
    const sid = await open_polling();
    const socket = await upgraded(sid);
    socket.send("5");
    socket.send("4done");
    assert.equal(await socket.talk(), "4done");
    await new Socket("engine.io", { ...websocket, sid }).gone();
    socket.send("4hello");
    assert.equal(await socket.talk(), "4hello");
    await socket.close();
  });

  test("a failed probe leaves long-polling as it was", async () => {
    const sid = await open_polling();
    const socket = new Socket("engine.io", { ...websocket, sid });
    await within(socket.opened, "the upgrade");
    socket.send("4not a probe");
    await socket.gone();
    await push(sid, "4still here");
    assert.equal(await (await poll(sid)).text(), "4still here");
  });
});

/** A connection that is in the main namespace. */
async function connected() {
  const socket = new Socket("socket.io", websocket);
  await socket.next();
  socket.send("40");
  assert.match(await socket.talk(), /^40/);
  assert.equal(await socket.talk(), '42["auth",{}]');
  return socket;
}

describe("Socket.IO connect", () => {
  for (const [what, request, prefix, auth] of [
    ["the main namespace", "40", "40", "{}"],
    ["the main namespace with a payload", '40{"token":"123"}', "40", '{"token":"123"}'],
    ["another namespace", "40/custom,", "40/custom,", "{}"],
    ["another namespace with a payload", '40/custom,{"token":"abc"}', "40/custom,", '{"token":"abc"}'],
  ])
    test(`to ${what}`, async () => {
      const socket = new Socket("socket.io", websocket);
      await socket.next();
      socket.send(request);
      const answer = await socket.talk();
      assert.ok(answer.startsWith(prefix));
      const handshake = JSON.parse(answer.slice(prefix.length));
      assert.deepEqual(Object.keys(handshake), ["sid"]);
      assert.equal(typeof handshake.sid, "string");
      assert.equal(await socket.talk(), `42${prefix.slice(2)}["auth",${auth}]`);
      await socket.close();
    });

  test("an unknown namespace is refused", async () => {
    const socket = new Socket("socket.io", websocket);
    await socket.next();
    socket.send("40/random");
    assert.equal(await socket.talk(), '44/random,{"message":"Invalid namespace"}');
    await socket.close();
  });

  test("an invalid packet closes", async () => {
    const socket = new Socket("socket.io", websocket);
    await socket.next();
    socket.send("4abc");
    await socket.gone();
  });

  test("who does not connect in time is put out", async () => {
    const socket = new Socket("socket.io", websocket);
    await socket.next();
    const begin = Date.now();
    await assert.rejects(within(socket.talk(), "an event", 3000)).catch(() => {});
    await socket.gone();
    const took = Date.now() - begin;
    assert.ok(took > 800 && took < 2500, `${took} ms`);
  });
});

describe("Socket.IO disconnect", () => {
  test("leaving the main namespace keeps the connection", async () => {
    const socket = await connected();
    socket.send("41");
    assert.equal(await socket.next(), "2");
    await socket.close();
  });

  test("leaving another one keeps the main one", async () => {
    const socket = await connected();
    socket.send("40/custom");
    assert.match(await socket.talk(), /^40\/custom,/);
    assert.equal(await socket.talk(), '42/custom,["auth",{}]');
    socket.send("41/custom");
    socket.send('42["message","message to main namespace"]');
    assert.equal(await socket.talk(), '42["message-back","message to main namespace"]');
    await socket.close();
  });
});

describe("Socket.IO events", () => {
  test("plain arguments come back as they were spelled", async () => {
    const socket = await connected();
    socket.send('42["message",1,"2",{"3":[true]},1.0,12345678901234567890]');
    assert.equal(await socket.talk(), '42["message-back",1,"2",{"3":[true]},1.0,12345678901234567890]');
    await socket.close();
  });

  test("attachments come back", async () => {
    const socket = await connected();
    socket.send('452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    socket.send(Buffer.from([1, 2, 3]));
    socket.send(Buffer.from([4, 5, 6]));
    assert.equal(
      await socket.talk(),
      '452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
    );
    assert.deepEqual(await socket.talk(), Buffer.from([1, 2, 3]));
    assert.deepEqual(await socket.talk(), Buffer.from([4, 5, 6]));
    await socket.close();
  });

  test("acknowledgements carry the arguments", async () => {
    const socket = await connected();
    socket.send('42456["message-with-ack",1,"2",{"3":[false]}]');
    assert.equal(await socket.talk(), '43456[1,"2",{"3":[false]}]');
    socket.send('452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    socket.send(Buffer.from([1, 2, 3]));
    socket.send(Buffer.from([4, 5, 6]));
    assert.equal(await socket.talk(), '462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]');
    assert.deepEqual(await socket.talk(), Buffer.from([1, 2, 3]));
    assert.deepEqual(await socket.talk(), Buffer.from([4, 5, 6]));
    await socket.close();
  });

  test("attachments come back over long-polling, too", async () => {
    const sid = await open_polling("socket.io");
    await push(sid, "40", "socket.io");
    const hello = (await (await poll(sid, "socket.io")).text()).split("\x1e");
    assert.match(hello[0], /^40/);
    await push(sid, '451-["message",{"_placeholder":true,"num":0}]\x1ebAQIDBA==', "socket.io");
    let got = hello.slice(2);
    while (got.length < 2) got = got.concat((await (await poll(sid, "socket.io")).text()).split("\x1e")).filter((x) => x !== "2");
    assert.deepEqual(got, ['451-["message-back",{"_placeholder":true,"num":0}]', "bAQIDBA=="]);
  });

  for (const [what, packets] of [
    ["an unknown type", ["4abc"]],
    ["a payload of the wrong kind", ["42{}"]],
    ["an acknowledgement id that is no number", ['42abc["message-with-ack",1,"2",{"3":[false]}]']],
    ["a reserved event", ['42["disconnect"]']],
    ["a second CONNECT", ["40"]],
    ["an event of a namespace that it is not in", ['42/custom,["message"]']],
    ["a CONNECT_ERROR", ['44{"message":"x"}']],
    ["bytes that belong to nothing", [Buffer.from([1])]],
    ["text where attachments are due", ['451-["message",{"_placeholder":true,"num":0}]', '42["message"]']],
    ["a placeholder of no attachment", ['451-["message",{"_placeholder":true,"num":7}]']],
    ["too many attachments", ['4599-["message"]']],
  ])
    test(`${what} closes the connection`, async () => {
      const socket = await connected();
      for (const x of packets) socket.send(x);
      await socket.gone();
    });
});

describe("the published client", () => {
  const { io } = require("socket.io-client");

  for (const transports of [["websocket"], ["polling"], ["polling", "websocket"]])
    test(`talks over ${transports.join(", then ")}`, async () => {
      const socket = io(`${base}/custom`, { transports, auth: { token: "t" }, forceNew: true });
      try {
        const auth = await within(new Promise((resolve) => socket.once("auth", resolve)), "auth");
        assert.deepEqual(auth, { token: "t" });
        if (transports.length === 2 && socket.io.engine.transport.name !== "websocket")
          await within(new Promise((resolve) => socket.io.engine.once("upgrade", resolve)), "the upgrade");
        for (let i = 0; i < 20; i++) {
          const bytes = Buffer.from([i, 255, 0]);
          const answer = await socket.timeout(5000).emitWithAck("message-with-ack", i, { bytes });
          // One argument of an acknowledgement is its value, the first of several too.
          assert.equal(answer, i);
        }
        const back = new Promise((resolve) => socket.once("message-back", (...args) => resolve(args)));
        socket.emit("message", "x", Buffer.from([1, 2]), { deep: [Buffer.from([3])] });
        const [text, first, second] = await within(back, "message-back");
        assert.equal(text, "x");
        assert.deepEqual(Buffer.from(first), Buffer.from([1, 2]));
        assert.deepEqual(Buffer.from(second.deep[0]), Buffer.from([3]));
      } finally {
        socket.disconnect();
      }
    });
});
