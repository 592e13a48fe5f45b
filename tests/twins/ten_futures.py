"""Ten futures, which callbacks set; the sixth is awaited."""

import asyncio


async def square_of_five():
    """What a callback puts into one of ten futures."""
    loop = asyncio.get_running_loop()
    futures = [loop.create_future() for _ in range(10)]
    for number, future in enumerate(futures):
        loop.call_soon(future.set_result, number**2)
    # None of them is set yet: the callbacks run while this task waits.
    return await futures[5]


print(asyncio.run(square_of_five()))
