// What a Socket.IO client says on the wire, and no more.
import { LeanSocket } from './lean_socket.mjs';

const digit_2 = 0x32; // Engine.IO's ping
const digit_3 = 0x33; // Socket.IO's acknowledgement, behind Engine.IO's 4
const digit_4 = 0x34;

export class SocketIoSocket {
  /** Called with the number of an acknowledged emit. */
  on_ack = () => {};
  /** Called as (buffer, begin, end) with the packet of an event. */
  on_event = () => {};
  #socket;

  static async open(port) {
    const self = new SocketIoSocket();
    self.#socket = await LeanSocket.open(port, '/socket.io/?EIO=4&transport=websocket');
    await self.#socket.next_text();
    self.#socket.send('40');
    await self.#socket.next_text();
    self.#socket.on_text = (buffer, begin, end) => self.#text(buffer, begin, end);
    return self;
  }

  /** Emits `name` with `json`; the answer comes as on_ack(number). */
  emit(number, name, json) {
    this.#socket.send(`42${number}["${name}",${json}]`);
  }

  /** Emits and waits. For set-up only. */
  call(name, json) {
    return new Promise((resolve) => {
      this.on_ack = resolve;
      this.emit(0, name, json);
    });
  }

  end() {
    this.#socket.end();
  }

  #text(buffer, begin, end) {
    if (buffer[begin] === digit_2) {
      this.#socket.send('3');
    } else if (buffer[begin] === digit_4 && buffer[begin + 1] === digit_3) {
      let number = 0;
      let at = begin + 2;
      for (; buffer[at] >= 0x30 && buffer[at] <= 0x39; ++at) number = number * 10 + buffer[at] - 0x30;
      this.on_ack(number);
    } else {
      this.on_event(buffer, begin, end);
    }
  }
}
