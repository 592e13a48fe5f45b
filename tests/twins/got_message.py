"""Answers each line with "got message", up to the line quit."""

import asyncio

from listener import name, open_listener


async def handle_client(client, address):
    """Answer one client."""
    loop = asyncio.get_running_loop()
    with client:
        # What one receive brings is not a message: a message is a line.
        received = bytearray()
        while data := await loop.sock_recv(client, 1024):
            received += data
            while (end := received.find(b"\r\n") + 2) >= 2:
                message = received[:end].rstrip().decode(errors="replace")
                del received[:end]
                print(f"got from {name(address)}: {message}")
                if message == "quit":
                    return
                await loop.sock_sendall(client, b"got message\r\n")
        # Whoever received again would receive nothing, without end.
        print(f"{name(address)} has left without quit")


async def run_server(server):
    """Accept for ever."""
    loop = asyncio.get_running_loop()
    tasks = set()
    while True:
        client, address = await loop.sock_accept(server)
        print(f"connected to client: {name(address)}")
        task = asyncio.create_task(handle_client(client, address))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


with open_listener() as server:
    server.setblocking(False)
    asyncio.run(run_server(server))
