"""The test node, in a process of its own: a line for each order, a line for each answer."""

import asyncio
import sys

WITHIN_S = 20


class TestNode:
    @classmethod
    async def start(cls, program):
        node = cls()
        node.process = await asyncio.create_subprocess_exec(
            program, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        node.port = int(await node.answer())
        return node

    async def ask(self, order):
        self.process.stdin.write(f"{order}\n".encode())
        await self.process.stdin.drain()
        return await self.answer()

    async def answer(self):
        line = await self.process.stdout.readline()
        if not line:
            raise RuntimeError("the node has ended")
        return line.decode().strip()

    async def until(self, order, wanted):
        """Waits until the node gives an answer."""
        loop = asyncio.get_running_loop()
        answer, end = None, loop.time() + WITHIN_S
        while loop.time() < end:
            answer = await self.ask(order)
            if answer == wanted:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"the node answers {answer!r} to {order!r}, and not {wanted!r}")

    async def stop(self):
        self.process.stdin.close()
        await self.process.wait()


async def step(name, run):
    """Runs one step and prints what became of it."""
    try:
        await run()
    except Exception as error:
        sys.excepthook(*sys.exc_info())
        why = str(error).replace("\n", " ") or type(error).__name__
        print(f"{name}: failed: {why}", flush=True)
    else:
        print(f"{name}: ok", flush=True)
