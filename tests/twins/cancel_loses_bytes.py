"""Cancels a receive just when bytes have come, which loses them: asyncio as it is."""

import asyncio
import socket


async def cancel_in_between():
    """Cancel a reader between the arrival of its bytes and its turn."""
    loop = asyncio.get_running_loop()
    near, far = socket.socketpair()
    near.setblocking(False)

    reader = asyncio.create_task(loop.sock_recv(near, 1024))
    await asyncio.sleep(0)
    print("a reader waits")

    far.send(b"hello")
    # The pass in which the selector is asked begins with this task. It ends with a callback that takes the bytes
    # from the kernel; the reader comes in the next pass, after this task.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print("5 bytes have come, and the reader is to run next")

    reader.cancel()
    try:
        print(f"the reader was faster: {await reader}")
    except asyncio.CancelledError:
        print("before it runs, it is cancelled")

    try:
        print(f"the next receive has them: {near.recv(1024)}")
    except BlockingIOError:
        print("there is nothing to receive: they are lost")
    near.close()
    far.close()


asyncio.run(cancel_in_between())
