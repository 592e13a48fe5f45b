"""Answers what a client says, and closes the connection."""

import asyncio

from listener import name, open_listener


class EchoServerProtocol(asyncio.Protocol):
    """The server's end of one connection."""

    def connection_made(self, transport):
        """Keep the transport: the other callbacks do not get it."""
        print(f"Connection from {name(transport.get_extra_info('peername'))}")
        self.transport = transport

    def data_received(self, data):
        """Answer, and close."""
        message = data.decode(errors="replace")
        print(f"Data received: {message}")
        print(f"Send: {message}")
        self.transport.write(data)
        print("Close the client socket")
        self.transport.close()


async def serve(listener):
    """Serve for ever."""
    loop = asyncio.get_running_loop()
    # The socket is there already, so that it can be said where it listens.
    server = await loop.create_server(EchoServerProtocol, sock=listener)
    async with server:
        await server.serve_forever()


asyncio.run(serve(open_listener()))
