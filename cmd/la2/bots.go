package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/lineaamica/la2/configs"
	"github.com/lineaamica/la2/media"
	"github.com/lineaamica/la2/media/wav"
	"github.com/lineaamica/la2/phone"
)

// What a bot does with a call.
const (
	botRings = 1500 * time.Millisecond
	botTalks = 25 * time.Second
)

// startBots registers the bots of all sites. stop unregisters them.
func startBots(ctx context.Context, sites []*configs.Config, log *slog.Logger) (stop func(), err error) {
	voice, err := botVoice()
	if err != nil {
		return nil, err
	}
	var phones []*phone.Phone
	stop = func() {
		var wg sync.WaitGroup
		for _, p := range phones {
			wg.Go(func() { // ends with the phone
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				_ = p.Unregister(ctx) // the node may have gone already
				p.Close()
			})
		}
		wg.Wait()
	}
	for _, site := range sites {
		for _, u := range site.Users {
			if !u.Bot {
				continue
			}
			p, err := startBot(ctx, site, u.Device, voice, log)
			if err != nil {
				stop()
				return nil, err
			}
			phones = append(phones, p)
		}
	}
	return stop, nil
}

// botVoice is the greeting of the demo's operators, followed by a pause.
func botVoice() ([]int16, error) {
	raw, err := configs.Prompts.ReadFile("prompts/it/agent_hello.wav")
	if err != nil {
		return nil, fmt.Errorf("bots: %w", err)
	}
	s, err := wav.Decode(raw)
	if err != nil {
		return nil, fmt.Errorf("bots: %w", err)
	}
	return append(s.Resample(media.ClockRate).Samples, make([]int16, media.ClockRate)...), nil
}

func startBot(ctx context.Context, site *configs.Config, user string, voice []int16, log *slog.Logger) (*phone.Phone, error) {
	password := ""
	for _, a := range site.Accounts {
		if a.User == user {
			password = string(a.Password)
		}
	}
	p, err := phone.New(ctx, phone.Config{Via: site.SIP.Listen[0].Address, User: user, Password: password, Sound: voice, Logger: log, Incoming: answerAsBot})
	if err != nil {
		return nil, err
	}
	if err := p.Register(ctx); err != nil {
		p.Close()
		return nil, fmt.Errorf("bot %s: %w", user, err)
	}
	return p, nil
}

// answerAsBot rings a little, speaks and hangs up.
func answerAsBot(c *phone.Call) {
	time.AfterFunc(botRings, c.Answer)
	time.AfterFunc(botRings+botTalks, c.Hangup)
}
