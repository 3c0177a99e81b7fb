// Drives lavalink-client against a test node, whose program is the one argument. It prints a line
// for each step.
import assert from "node:assert/strict";

import { LavalinkManager } from "lavalink-client";

import { TestNode, next, step } from "./node.mjs";

const USER = "42";
const GUILD = "817";
const CHANNEL = "5";
const SONG = "https://tracks.test/song";

const server = await TestNode.start(process.argv[2]);
const manager = new LavalinkManager({
  nodes: [{ id: "test", host: "127.0.0.1", port: server.port, authorization: "youshallnotpass",
    retryDelay: 100 }],
  client: { id: USER, username: "driver" },
  autoSkip: true,
  // What a bot sends to Discord; nobody answers but this driver.
  sendToShard: () => {},
});
manager.nodeManager.on("error", (_, error) => console.error("node", error));
const node = manager.nodeManager.nodes.get("test");

let bot;
let track;

await step("connect", async () => {
  const connected = next(manager.nodeManager, "connect");
  await manager.init({ id: USER, username: "driver" });
  await connected;
  assert.equal(await node.fetchVersion(), node.info.version.semver);
  await node.updateSession(true, 60_000);
  // So that it resumes by itself after a loss.
  node.options.sessionId = node.sessionId;
  await server.until("sessions", "1 attached, 0 detached, 0 resumed");
});

await step("load", async () => {
  bot = manager.createPlayer({ guildId: GUILD, voiceChannelId: CHANNEL });
  const results = [
    [SONG, "track"],
    ["https://tracks.test/playlist/a", "playlist"],
    ["ytsearch:song", "search"],
    ["ytsearch:nothing", "empty"],
    ["https://tracks.test/error", "error"],
  ];
  for (const [query, wanted] of results) {
    const result = await bot.search({ query }, "somebody");
    assert.equal(result.loadType, wanted, query);
    if (wanted === "track") [track] = result.tracks;
  }
  const decoded = await node.decode.singleTrack(track.encoded, "somebody");
  assert.equal(decoded.info.identifier, SONG);
});

await step("voice", async () => {
  await bot.connect();
  await tell("VOICE_STATE_UPDATE", { user_id: USER, channel_id: CHANNEL,
    session_id: "voice session" });
  await tell("VOICE_SERVER_UPDATE", { token: "voice token",
    endpoint: "frankfurt1234.discord.media:443" });
  await server.until(`player ${GUILD}`, "- running voice");
});

await step("play", async () => {
  const started = next(manager, "trackStart");
  await bot.play({ clientTrack: track });
  const [, start] = await started;
  assert.equal(start.info.identifier, SONG);
  await server.until(`player ${GUILD}`, `${SONG} running voice`);
});

await step("change", async () => {
  await bot.seek(60_000);
  await bot.pause();
  await bot.setVolume(40);
  await server.until(`player ${GUILD}`, `${SONG} paused voice`);
  const position = Number(await server.ask(`position ${GUILD}`));
  assert.ok(position >= 60_000 && position < 70_000, `it is at ${position}`);
  await server.until(`volume ${GUILD}`, "40");
  await bot.resume();
  await server.until(`player ${GUILD}`, `${SONG} running voice`);
});

await step("resume", async () => {
  const session = node.sessionId;
  const resumed = next(manager.nodeManager, "resumed");
  await server.ask("drop");
  const [, , players] = await resumed;
  assert.equal(node.sessionId, session);
  assert.equal(players[0].track.info.identifier, SONG);
  await server.until("sessions", "1 attached, 0 detached, 1 resumed");
  await next(manager, "playerUpdate");
  assert.ok(bot.position >= 60_000, `it is at ${bot.position}`);
  assert.ok(bot.connected);
});

await step("stop", async () => {
  // With nothing left in the queue, the end of a track is told as that of the queue.
  const ended = next(manager, "queueEnd");
  await bot.stopPlaying();
  const [, , end] = await ended;
  assert.equal(end.reason, "stopped");
  await server.until(`player ${GUILD}`, "- running voice");
});

await step("voice lost", async () => {
  const closed = next(manager, "playerSocketClosed", (_, payload) => payload.byRemote);
  await server.ask("voice 4006");
  await tell("VOICE_SERVER_UPDATE", { token: "another token",
    endpoint: "frankfurt1234.discord.media:443" });
  const [, payload] = await closed;
  assert.equal(payload.code, 4006);
  await server.until(`player ${GUILD}`, "- running mute");
});

await step("leave", async () => {
  await bot.destroy("told to");
  await server.until(`player ${GUILD}`, "none");
});

await step("manners", async () => {
  await node.destroy("told to", true);
  await server.until("violations", "none");
});
server.stop();
process.exit(0);

// What Discord tells a bot.
async function tell(type, data) {
  await manager.sendRawData({ t: type, d: { guild_id: GUILD, ...data } });
}
