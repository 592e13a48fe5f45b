"""One task takes clients and gives each a task of its own, which echoes."""

import asyncio

from listener import name, open_listener


async def echo(connection):
    """Send back what comes, until the client has nothing more to send."""
    loop = asyncio.get_running_loop()
    with connection:
        while data := await loop.sock_recv(connection, 1024):
            await loop.sock_sendall(connection, data)


async def listen_for_connections(listener):
    """Accept for ever."""
    loop = asyncio.get_running_loop()
    # The loop itself would let go of a task that nobody else holds.
    tasks = set()
    while True:
        # What it gives is non-blocking already.
        connection, address = await loop.sock_accept(listener)
        print(f"Got a connection from {name(address)}")
        task = asyncio.create_task(echo(connection))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


with open_listener() as listener:
    listener.setblocking(False)
    asyncio.run(listen_for_connections(listener))
