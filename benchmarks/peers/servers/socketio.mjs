// The usual stack: a Socket.IO server with rooms. With DATABASE_URL each event is
// inserted into PostgreSQL before it is passed on and acknowledged; without, it is
// passed on as it comes. Prints its port when ready.
import { createServer } from 'node:http';
import pg from 'pg';
import { Server } from 'socket.io';

const room = 'project:bench';
const insert = {
  name: 'insert',
  text: 'insert into events (room, event) values ($1, $2) returning seq',
};

async function database(url) {
  const pool = new pg.Pool({ connectionString: url, max: Number(process.env.POOL ?? 16) });
  await pool.query('drop table if exists events');
  await pool.query(
    'create table events (seq bigserial primary key, room text not null, event jsonb not null,' +
      ' created_at timestamptz not null default now())',
  );
  return async (event) => (await pool.query({ ...insert, values: [room, event] })).rows[0].seq;
}

const store = process.env.DATABASE_URL ? await database(process.env.DATABASE_URL) : null;
const http = createServer();
const io = new Server(http, { transports: ['websocket'], serveClient: false });

io.on('connection', (socket) => {
  socket.on('subscribe', (name, done) => {
    socket.join(name);
    done();
  });
  socket.on('publish', async (event, done) => {
    const seq = store ? await store(event) : undefined;
    io.to(room).emit('event', event);
    done({ seq });
  });
});
http.listen(0, '127.0.0.1', () => console.log(http.address().port));
