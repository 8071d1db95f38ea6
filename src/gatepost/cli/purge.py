"""`gatepost purge`."""

import asyncio

from gatepost.cli.running import running_services


def purge() -> None:
    """Delete expired data in small batches. The running service does this by itself."""

    async def work() -> None:
        async with running_services() as services:
            for task in services.operations.purger.tasks:
                print(f"{await services.operations.purger.run_all(task):8} {task.name}")

    asyncio.run(work())
