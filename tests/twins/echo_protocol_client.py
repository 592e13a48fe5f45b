"""Says something and prints the answer."""

import argparse
import asyncio

from listener import name


class EchoClientProtocol(asyncio.Protocol):
    """The client's end of the connection."""

    def __init__(self, message, on_con_lost):
        self.message = message
        self.on_con_lost = on_con_lost

    def connection_made(self, transport):
        """Say the message."""
        server, client = (name(transport.get_extra_info(end)) for end in ("peername", "sockname"))
        print(f"connected to {server} from {client}")
        transport.write(self.message.encode())
        print(f"Data sent: {self.message}")

    def data_received(self, data):
        """Print the answer."""
        print(f"Data received: {data.decode(errors='replace')}")

    def connection_lost(self, exc):
        """Wake whoever waits for the end."""
        if exc is None:
            print("The server closed the connection")
            self.on_con_lost.set_result(None)
        else:
            self.on_con_lost.set_exception(exc)


async def converse(host, port):
    """Talk to the server."""
    loop = asyncio.get_running_loop()
    on_con_lost = loop.create_future()
    transport, _ = await loop.create_connection(
        lambda: EchoClientProtocol("Hello World!", on_con_lost), host, port
    )
    try:
        await on_con_lost
    finally:
        transport.close()


parser = argparse.ArgumentParser()
parser.add_argument("--connect", metavar="HOST:PORT", default="127.0.0.1:8000")
host, _, port = parser.parse_args().connect.rpartition(":")
asyncio.run(converse(host, int(port)))
