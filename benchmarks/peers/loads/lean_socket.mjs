// A WebSocket client that costs as little as Node.js allows, so that a peer is
// measured and not its client library: one read buffer for all sockets, frames
// read in place, frames sent with the mask 0 (which leaves the text as it is).
import { randomBytes } from 'node:crypto';
import net from 'node:net';

const scratch = Buffer.allocUnsafeSlow(1 << 20);
const opcode_close = 8;
const opcode_ping = 9;

export class LeanSocket {
  /** Called as (buffer, begin, end) for each text; the buffer is good during the call only. */
  on_text = () => {};
  #socket;
  #partial = null;
  #opened;

  /** Connects to loopback and asks for `path`; rejects unless it becomes a WebSocket. */
  static open(port, path) {
    const self = new LeanSocket();
    return new Promise((resolve, reject) => {
      self.#opened = { resolve: () => resolve(self), reject };
      self.#socket = net.connect({
        host: '127.0.0.1',
        port,
        noDelay: true,
        onread: { buffer: scratch, callback: (size) => self.#received(size) },
      });
      self.#socket.on('error', reject);
      self.#socket.on('close', () => fail_unless_ended(self));
      self.#socket.write(
        `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\n` +
          'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
          `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
      );
    });
  }

  /** The next text, as a string. For set-up only. */
  next_text() {
    return new Promise((resolve) => {
      this.on_text = (buffer, begin, end) => {
        this.on_text = () => {};
        resolve(buffer.latin1Slice(begin, end));
      };
    });
  }

  /** Sends an ASCII text. */
  send(text) {
    this.#write(0x81, text);
  }

  end() {
    this.ended = true;
    this.#socket.destroy();
  }

  #write(first_byte, text) {
    const long = text.length > 125;
    const head = long ? 8 : 6;
    const frame = Buffer.alloc(head + text.length);
    frame[0] = first_byte;
    frame[1] = 0x80 | (long ? 126 : text.length);
    if (long) frame.writeUInt16BE(text.length, 2);
    frame.latin1Write(text, head);
    this.#socket.write(frame);
  }

  #received(size) {
    let data = scratch;
    if (this.#partial) {
      data = Buffer.concat([this.#partial, scratch.subarray(0, size)]);
      size = data.length;
      this.#partial = null;
    }
    const used = this.#opened ? this.#upgraded(data, size) : this.#frames(data, 0, size);
    if (used < size) this.#partial = Buffer.from(data.subarray(used, size));
    return true;
  }

  #upgraded(data, size) {
    const end = data.subarray(0, size).indexOf('\r\n\r\n');
    if (end < 0) return 0;
    const { resolve, reject } = this.#opened;
    this.#opened = null;
    const status = data.latin1Slice(0, end).split('\r\n')[0];
    if (!status.includes(' 101 ')) {
      reject(new Error(`no WebSocket: ${status}`));
      return size;
    }
    // What came along with the answer waits until the caller can look at it.
    setImmediate(() => {
      const rest = this.#partial;
      this.#partial = null;
      if (!rest) return;
      const used = this.#frames(rest, 0, rest.length);
      if (used < rest.length) this.#partial = rest.subarray(used);
    });
    resolve();
    return end + 4;
  }

  #frames(data, at, size) {
    while (size - at >= 2) {
      const opcode = data[at] & 15;
      let length = data[at + 1] & 127;
      let begin = at + 2;
      if (length === 126) {
        if (size - at < 4) break;
        length = data.readUInt16BE(at + 2);
        begin = at + 4;
      } else if (length === 127) {
        if (size - at < 10) break;
        length = Number(data.readBigUInt64BE(at + 2));
        begin = at + 10;
      }
      if (size - begin < length) break;
      at = begin + length;
      if (opcode === 1) this.on_text(data, begin, at);
      else if (opcode === opcode_ping) this.#write(0x8a, data.latin1Slice(begin, at));
      else if (opcode === opcode_close) this.#socket.destroy();
    }
    return at;
  }
}

function fail_unless_ended(socket) {
  if (socket.ended) return;
  console.error('the server has closed a connection');
  process.exit(1);
}
