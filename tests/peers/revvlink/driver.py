"""Drives revvlink against a test node, whose program is the one argument.

It prints a line for each step.
"""

import asyncio
import sys
from types import SimpleNamespace

import discord
import revvlink

from node import WITHIN_S, TestNode, step

GUILD = 817
CHANNEL = 5
SONG = "https://tracks.test/song"


class Client(discord.Client):
    """A bot that is not on Discord, and keeps what it is told."""

    def __init__(self):
        super().__init__(intents=discord.Intents.none())
        self._connection.user = SimpleNamespace(id=42)
        self.told = asyncio.Queue()

    def dispatch(self, event, /, *args, **kwargs):
        self.told.put_nowait((event.removeprefix("revvlink_"), args))

    def get_channel(self, _):
        return self.channel

    async def next(self, wanted, is_meant=lambda _: True):
        """What comes first of this kind, and is meant."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                event, args = await self.told.get()
                if event == wanted and is_meant(args[0]):
                    return args[0]


class Guild:
    """A guild whose voice server answers at once, as Discord does."""

    id = GUILD
    player = None

    async def change_voice_state(self, *, channel, **_):
        state = {"channel_id": channel and channel.id, "session_id": "voice session"}
        await self.player.on_voice_state_update(state)
        if channel:
            await self.serve_voice("voice token")

    async def serve_voice(self, token):
        endpoint = "frankfurt1234.discord.media:443"
        await self.player.on_voice_server_update({"token": token, "endpoint": endpoint})


class Bot:
    def __init__(self, server, client):
        self.server = server
        self.client = client
        self.guild = Guild()
        client.channel = SimpleNamespace(id=CHANNEL, guild=self.guild)

    async def connect(self):
        self.node = revvlink.Node(
            identifier="test",
            uri=f"http://127.0.0.1:{self.server.port}",
            password="youshallnotpass",
            resume_timeout=60,
        )
        await revvlink.Pool.connect(nodes=[self.node], client=self.client)
        ready = await self.client.next("node_ready")
        assert not ready.resumed
        info = await self.node.fetch_info()
        version = await self.node.fetch_version()
        assert info.version.semver == version, (info.version.semver, version)
        await self.server.until("sessions", "1 attached, 0 detached, 0 resumed")

    async def load(self):
        (self.track,) = await revvlink.Pool.fetch_tracks(SONG)
        assert self.track.identifier == SONG, self.track.identifier
        playlist = await revvlink.Pool.fetch_tracks("https://tracks.test/playlist/a")
        assert isinstance(playlist, revvlink.Playlist), playlist
        assert len(await revvlink.Pool.fetch_tracks("ytsearch:song")) > 1
        assert await revvlink.Pool.fetch_tracks("ytsearch:nothing") == []
        try:
            await revvlink.Pool.fetch_tracks("https://tracks.test/error")
        except revvlink.LavalinkLoadException:
            pass
        else:
            raise AssertionError("an error loads")
        decoded = await self.node.decode_track(self.track.encoded)
        assert decoded.identifier == SONG, decoded.identifier

    async def voice(self):
        self.player = revvlink.Player(self.client, self.client.channel)
        self.guild.player = self.player
        await self.player.connect(reconnect=True)
        await self.server.until(f"player {GUILD}", "- running voice")

    async def play(self):
        await self.player.play(self.track)
        start = await self.client.next("track_start")
        assert start.track.identifier == SONG, start.track.identifier
        await self.server.until(f"player {GUILD}", f"{SONG} running voice")

    async def change(self):
        await self.player.pause(True)
        await self.player.seek(60_000)
        await self.player.set_volume(40)
        await self.server.until(f"player {GUILD}", f"{SONG} paused voice")
        await self.server.until(f"position {GUILD}", "60000")
        await self.server.until(f"volume {GUILD}", "40")
        await self.player.pause(False)
        await self.server.until(f"player {GUILD}", f"{SONG} running voice")

    async def resume(self):
        session = self.node.session_id
        await self.server.ask("drop")
        ready = await self.client.next("node_ready")
        assert ready.resumed and ready.session_id == session, ready
        await self.server.until("sessions", "1 attached, 0 detached, 1 resumed")
        update = await self.client.next("player_update")
        assert update.connected and update.position >= 60_000, update.position
        await self.server.until(f"player {GUILD}", f"{SONG} running voice")

    async def stop(self):
        await self.player.stop()
        end = await self.client.next("track_end")
        assert end.reason == "stopped", end.reason
        await self.server.until(f"player {GUILD}", "- running voice")

    async def lose_voice(self):
        await self.server.ask("voice 4006")
        await self.guild.serve_voice("another token")
        closed = await self.client.next("websocket_closed", lambda event: event.by_remote)
        assert int(closed.code.value) == 4006, closed.code
        await self.server.until(f"player {GUILD}", "- running mute")

    async def leave(self):
        await self.player.disconnect()
        await self.server.until(f"player {GUILD}", "none")

    async def manners(self):
        await revvlink.Pool.close()
        await self.server.until("violations", "none")


async def main():
    server = await TestNode.start(sys.argv[1])
    bot = Bot(server, Client())
    await step("connect", bot.connect)
    await step("load", bot.load)
    await step("voice", bot.voice)
    await step("play", bot.play)
    await step("change", bot.change)
    await step("resume", bot.resume)
    await step("stop", bot.stop)
    await step("voice lost", bot.lose_voice)
    await step("leave", bot.leave)
    await step("manners", bot.manners)
    await server.stop()


asyncio.run(main())
