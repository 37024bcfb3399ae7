"""The task that waits for changes can always be stopped, also in the moment it is woken."""

import asyncio
import contextlib

from serving.live_runner import Wake


def test_a_stop_that_comes_with_a_change_still_stops():
    async def scene() -> None:
        wake = Wake()
        wake.bind()

        async def watch() -> None:
            while True:
                await wake.wait(10.0)

        task = asyncio.create_task(watch())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        wake._event.set()  # what __call__ does in the next round of the loop
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(asyncio.shield(task), 2.0)
        assert task.cancelled()

    asyncio.run(scene())
