// Drives disgolink against a test node, whose program is the one argument. It prints a line for
// each step.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/disgoorg/disgolink/v3/disgolink"
	"github.com/disgoorg/disgolink/v3/lavalink"
	"github.com/disgoorg/snowflake/v2"
)

const (
	user    = snowflake.ID(42)
	guild   = snowflake.ID(817)
	channel = snowflake.ID(5)
	song    = "https://tracks.test/song"
	within  = 20 * time.Second
)

type bot struct {
	server  *node
	client  disgolink.Client
	node    disgolink.Node
	player  disgolink.Player
	track   lavalink.Track
	starts  chan lavalink.TrackStartEvent
	ends    chan lavalink.TrackEndEvent
	closes  chan lavalink.WebSocketClosedEvent
	updates chan lavalink.PlayerUpdateMessage
}

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	server, err := start(os.Args[1])
	if err != nil {
		fmt.Println("connect: failed:", err)
		os.Exit(1)
	}
	b := &bot{
		server:  server,
		starts:  make(chan lavalink.TrackStartEvent, 16),
		ends:    make(chan lavalink.TrackEndEvent, 16),
		closes:  make(chan lavalink.WebSocketClosedEvent, 16),
		updates: make(chan lavalink.PlayerUpdateMessage, 256),
	}
	b.client = disgolink.New(user,
		told(b.starts), told(b.ends), told(b.closes), told(b.updates))
	ctx := context.Background()
	step("connect", func() error { return b.connect(ctx) })
	step("load", func() error { return b.load(ctx) })
	step("voice", func() error { return b.voice(ctx) })
	step("play", func() error { return b.play(ctx) })
	step("change", func() error { return b.change(ctx) })
	step("resume", func() error { return b.resume(ctx) })
	step("stop", func() error { return b.stop(ctx) })
	step("voice lost", func() error { return b.loseVoice(ctx) })
	step("leave", func() error { return b.leave(ctx) })
	b.client.Close()
	step("manners", func() error { return server.until("violations", "none") })
}

// told passes on what the client is told of this kind.
func told[E lavalink.Message](to chan E) disgolink.ConfigOpt {
	return disgolink.WithListenerFunc(func(_ disgolink.Player, event E) {
		select {
		case to <- event:
		default:
		}
	})
}

// next waits for what the client is told.
func next[E any](from chan E) (E, error) {
	select {
	case event := <-from:
		return event, nil
	case <-time.After(within):
		var none E
		return none, fmt.Errorf("no %T comes", none)
	}
}

func (b *bot) connect(ctx context.Context) (err error) {
	b.node, err = b.client.AddNode(ctx, disgolink.NodeConfig{
		Name:     "test",
		Address:  "127.0.0.1:" + b.server.port,
		Password: "youshallnotpass",
	})
	if err != nil {
		return err
	}
	version, err := b.node.Version(ctx)
	if err != nil {
		return err
	}
	info, err := b.node.Info(ctx)
	if err != nil {
		return err
	}
	if info.Version.Semver != version {
		return fmt.Errorf("the info is of %q, and the version %q", info.Version.Semver, version)
	}
	resuming, timeout := true, 60
	update := lavalink.SessionUpdate{Resuming: &resuming, Timeout: &timeout}
	if err := b.node.Update(ctx, update); err != nil {
		return err
	}
	return b.server.until("sessions", "1 attached, 0 detached, 0 resumed")
}

func (b *bot) load(ctx context.Context) error {
	for identifier, wanted := range map[string]lavalink.LoadType{
		song:                             lavalink.LoadTypeTrack,
		"https://tracks.test/playlist/a": lavalink.LoadTypePlaylist,
		"ytsearch:song":                  lavalink.LoadTypeSearch,
		"ytsearch:nothing":               lavalink.LoadTypeEmpty,
		"https://tracks.test/error":      lavalink.LoadTypeError,
	} {
		result, err := b.node.LoadTracks(ctx, identifier)
		if err != nil {
			return fmt.Errorf("%s: %w", identifier, err)
		}
		if result.LoadType != wanted {
			return fmt.Errorf("%s is %s, and not %s", identifier, result.LoadType, wanted)
		}
		if track, ok := result.Data.(lavalink.Track); ok {
			b.track = track
		}
	}
	decoded, err := b.node.DecodeTrack(ctx, b.track.Encoded)
	if err != nil {
		return err
	}
	if decoded.Info.Identifier != song {
		return fmt.Errorf("it decodes as %s", decoded.Info.Identifier)
	}
	return nil
}

func (b *bot) voice(ctx context.Context) error {
	to := channel
	b.client.OnVoiceStateUpdate(ctx, guild, &to, "voice session")
	b.client.OnVoiceServerUpdate(ctx, guild, "voice token", "frankfurt1234.discord.media:443")
	b.player = b.client.Player(guild)
	return b.server.until("player 817", "- running voice")
}

func (b *bot) play(ctx context.Context) error {
	if err := b.player.Update(ctx, lavalink.WithTrack(b.track)); err != nil {
		return err
	}
	start, err := next(b.starts)
	if err != nil {
		return err
	}
	if start.Track.Info.Identifier != song {
		return fmt.Errorf("%s starts", start.Track.Info.Identifier)
	}
	return b.server.until("player 817", song+" running voice")
}

func (b *bot) change(ctx context.Context) error {
	err := b.player.Update(ctx, lavalink.WithPosition(60_000*lavalink.Millisecond),
		lavalink.WithPaused(true), lavalink.WithVolume(40))
	if err != nil {
		return err
	}
	err = errors.Join(b.server.until("player 817", song+" paused voice"),
		b.server.until("position 817", "60000"), b.server.until("volume 817", "40"))
	if err != nil {
		return err
	}
	if err := b.player.Update(ctx, lavalink.WithPaused(false)); err != nil {
		return err
	}
	return b.server.until("player 817", song+" running voice")
}

func (b *bot) resume(ctx context.Context) error {
	session := b.node.SessionID()
	b.server.ask("drop")
	if err := b.server.until("sessions", "1 attached, 0 detached, 1 resumed"); err != nil {
		return err
	}
	for deadline := time.Now().Add(within); b.node.Status() != disgolink.StatusConnected; {
		if time.Now().After(deadline) {
			return fmt.Errorf("the node is %s", b.node.Status())
		}
		time.Sleep(20 * time.Millisecond)
	}
	if b.node.SessionID() != session {
		return errors.New("the session is another one")
	}
	for len(b.updates) > 0 {
		<-b.updates
	}
	update, err := next(b.updates)
	if err != nil {
		return err
	}
	if update.State.Position < 60_000*lavalink.Millisecond || !update.State.Connected {
		return fmt.Errorf("the player is at %+v", update.State)
	}
	return b.server.until("player 817", song+" running voice")
}

func (b *bot) stop(ctx context.Context) error {
	if err := b.player.Update(ctx, lavalink.WithNullTrack()); err != nil {
		return err
	}
	end, err := next(b.ends)
	if err != nil {
		return err
	}
	if end.Reason != lavalink.TrackEndReasonStopped {
		return fmt.Errorf("the track ends because of %s", end.Reason)
	}
	return b.server.until("player 817", "- running voice")
}

func (b *bot) loseVoice(ctx context.Context) error {
	b.server.ask("voice 4006")
	b.client.OnVoiceServerUpdate(ctx, guild, "another token", "frankfurt1234.discord.media:443")
	closed, err := next(b.closes)
	// The connection that the new one replaces is closed first, by the node itself.
	for err == nil && !closed.ByRemote {
		closed, err = next(b.closes)
	}
	if err != nil {
		return err
	}
	if closed.Code != 4006 {
		return fmt.Errorf("it was closed by %+v", closed)
	}
	return b.server.until("player 817", "- running mute")
}

func (b *bot) leave(ctx context.Context) error {
	b.client.OnVoiceStateUpdate(ctx, guild, nil, "")
	return b.server.until("player 817", "none")
}
