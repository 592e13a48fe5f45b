"""An echo server for one of asyncio's ways to use a socket: python3 echo.py LOOP-LAYER."""

import asyncio
import os
import socket
import sys

RECEIVE_MAX = 64 * 1024


async def serve_sock(listener):
    loop = asyncio.get_running_loop()
    # The loop itself holds only weak references to its tasks.
    tasks = set()

    async def echo(client):
        with client:
            try:
                while data := await loop.sock_recv(client, RECEIVE_MAX):
                    await loop.sock_sendall(client, data)
            except ConnectionError:
                pass

    while True:
        client, _ = await loop.sock_accept(listener)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = loop.create_task(echo(client))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)

    # A client that does not read is not read from.
    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()


async def serve_protocol(listener):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, sock=listener)
    await server.serve_forever()


async def serve_streams(listener):
    async def echo(reader, writer):
        try:
            while data := await reader.read(RECEIVE_MAX):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(echo, sock=listener)
    await server.serve_forever()


def main(name):
    module, layer = name.split("-")
    if module == "uvloop":
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    listener.setblocking(False)
    print("LISTENING", listener.getsockname()[1], os.getpid(), flush=True)
    serve = {"sock": serve_sock, "protocol": serve_protocol, "streams": serve_streams}[layer]
    asyncio.run(serve(listener))


main(sys.argv[1])
