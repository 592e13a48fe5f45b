"""Says something and prints the answer."""

import argparse
import asyncio

from listener import name


async def tcp_echo_client(host, port, message):
    """Talk to the server."""
    reader, writer = await asyncio.open_connection(host, port)
    server, client = (name(writer.get_extra_info(end)) for end in ("peername", "sockname"))
    print(f"connected to {server} from {client}")

    print(f"Send: {message!r}")
    writer.write(message.encode())
    await writer.drain()

    data = await reader.read(100)
    print(f"Received: {data.decode(errors='replace')!r}")

    print("Close the connection")
    writer.close()
    await writer.wait_closed()


parser = argparse.ArgumentParser()
parser.add_argument("--connect", metavar="HOST:PORT", default="127.0.0.1:8000")
host, _, port = parser.parse_args().connect.rpartition(":")
asyncio.run(tcp_echo_client(host, int(port), "Hello World!"))
