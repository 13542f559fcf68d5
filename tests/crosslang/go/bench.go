package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	pb "sessiond.invalid/crosslang/generated/sessionstorev1"
)

type benchmark struct {
	ctx    context.Context
	client pb.SessionStoreServiceClient
	prefix string
	event  *pb.Event
}

// bench measures what appends and tails cost; see ../README.md for what each figure is.
func bench(config *Config) error {
	channels := newChannels(config)
	channel, err := channels.channel(config.Default)
	if err != nil {
		return err
	}
	part := &pb.MessagePart{Content: strings.Repeat("x", 200), MessageId: "m"}
	b := &benchmark{
		ctx:    channels.authorized(context.Background(), config.Default, ""),
		client: pb.NewSessionStoreServiceClient(channel),
		prefix: config.Run + "-bench",
		event:  &pb.Event{Kind: &pb.Event_MessagePart{MessagePart: part}},
	}
	figures := map[string]float64{}
	for name, measure := range map[string]func() (float64, error){
		"append_p50_us": b.appendOne, "append_64_per_second": b.appendMany, "latency_p50_us": b.latency,
	} {
		value, err := measure()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		figures[name] = math.Round(value*10) / 10
	}
	for _, each := range []struct {
		name    string
		measure func() (float64, error)
	}{{"write_per_second", b.write}, {"tail_per_second", b.tail}} {
		value, err := each.measure()
		if err != nil {
			return fmt.Errorf("%s: %w", each.name, err)
		}
		figures[each.name] = math.Round(value*10) / 10
	}
	return json.NewEncoder(os.Stdout).Encode(figures)
}

func (b *benchmark) session(name string) (string, error) {
	id := b.prefix + "-" + name
	_, err := b.client.CreateSession(b.ctx, &pb.CreateSessionRequest{SessionId: &id})
	return id, err
}

func (b *benchmark) append(session string) error {
	_, err := b.client.AppendEvent(b.ctx, &pb.AppendEventRequest{SessionId: session, Event: b.event})
	return err
}

func (b *benchmark) appendOne() (float64, error) {
	session, err := b.session("one")
	times := []float64{}
	for index := 0; err == nil && index < 1_100; index++ {
		began := time.Now()
		err = b.append(session)
		if index >= 100 {
			times = append(times, float64(time.Since(began).Nanoseconds())/1e3)
		}
	}
	return median(times), err
}

func (b *benchmark) appendMany() (float64, error) {
	sessions := []string{}
	for index := range 64 {
		session, err := b.session(fmt.Sprintf("many-%d", index))
		if err != nil {
			return 0, err
		}
		sessions = append(sessions, session)
	}
	failures := make(chan error, 64)
	var workers sync.WaitGroup
	began := time.Now()
	for _, session := range sessions {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for range 125 {
				if err := b.append(session); err != nil {
					failures <- err
					return
				}
			}
		}()
	}
	workers.Wait()
	rate := 8_000 / time.Since(began).Seconds()
	close(failures)
	return rate, <-failures
}

func (b *benchmark) write() (float64, error) {
	session, err := b.session("bulk")
	if err != nil {
		return 0, err
	}
	mutation := &pb.Mutation{Kind: &pb.Mutation_AppendEvent{AppendEvent: &pb.EventAppend{Event: b.event}}}
	commit := &pb.CommitRequest{SessionId: session, Mutations: slices.Repeat([]*pb.Mutation{mutation}, 10)}
	request := &pb.WriteRequest{Commits: slices.Repeat([]*pb.CommitRequest{commit}, 50)}
	began := time.Now()
	stream, err := b.client.Write(b.ctx)
	if err != nil {
		return 0, err
	}
	go sendAll(stream, slices.Repeat([]*pb.WriteRequest{request}, 100))
	answered := 0
	for {
		response, err := stream.Recv()
		if err == io.EOF {
			break
		} else if err != nil {
			return 0, err
		}
		for _, outcome := range response.Outcomes {
			answered += len(outcome.GetResult().GetResults())
		}
	}
	if answered != 50_000 {
		return 0, fmt.Errorf("%d events were answered", answered)
	}
	return 50_000 / time.Since(began).Seconds(), nil
}

func (b *benchmark) tail() (float64, error) {
	began := time.Now()
	stream, err := b.client.TailEvents(b.ctx, &pb.TailEventsRequest{SessionId: b.prefix + "-bulk", NoFollow: true})
	if err != nil {
		return 0, err
	}
	seen := 0
	for {
		frame, err := stream.Recv()
		if err == io.EOF {
			break
		} else if err != nil {
			return 0, err
		}
		seen += len(frame.GetEvents().GetEvents())
	}
	if seen != 50_000 {
		return 0, fmt.Errorf("%d events came", seen)
	}
	return 50_000 / time.Since(began).Seconds(), nil
}

func (b *benchmark) latency() (float64, error) {
	session, err := b.session("latency")
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	start := &pb.TailEventsRequest_FromNow{FromNow: true}
	stream, err := b.client.TailEvents(ctx, &pb.TailEventsRequest{SessionId: session, Start: start})
	if err != nil {
		return 0, err
	}
	if _, err := stream.Recv(); err != nil {
		return 0, err
	}
	times := []float64{}
	for range 500 {
		appended := make(chan error, 1)
		began := time.Now()
		go func() { appended <- b.append(session) }()
		for {
			frame, err := stream.Recv()
			if err != nil {
				return 0, err
			}
			if frame.GetEvents() != nil {
				break
			}
		}
		times = append(times, float64(time.Since(began).Nanoseconds())/1e3)
		if err := <-appended; err != nil {
			return 0, err
		}
	}
	return median(times), nil
}

func median(values []float64) float64 {
	slices.Sort(values)
	if len(values) == 0 {
		return 0
	}
	return values[len(values)/2]
}
