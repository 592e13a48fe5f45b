"""Sends back what a client says first, and closes the connection."""

import asyncio

from listener import name, open_listener


async def handle_echo(reader, writer):
    """Answer one client."""
    data = await reader.read(100)
    message = data.decode(errors="replace")
    print(f"Received {message!r} from {name(writer.get_extra_info('peername'))}")

    print(f"Send: {message!r}")
    writer.write(data)
    await writer.drain()

    print("Close the connection")
    writer.close()
    await writer.wait_closed()


async def serve(listener):
    """Serve for ever."""
    # The socket is there already, so that it can be said where it listens.
    server = await asyncio.start_server(handle_echo, sock=listener)
    async with server:
        await server.serve_forever()


asyncio.run(serve(open_listener()))
