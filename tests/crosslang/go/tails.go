package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"

	pb "sessiond.invalid/crosslang/generated/sessionstorev1"
)

const patience = 30 * time.Second

type received struct {
	frame *pb.TailEventsResponse
	err   error
}

// openTail is one tail, with the sequence that it has accounted for.
type openTail struct {
	frames    chan received
	cancel    context.CancelFunc
	accounted *uint64
}

func newTail(stream grpc.ServerStreamingClient[pb.TailEventsResponse], cancel context.CancelFunc) *openTail {
	tail := &openTail{frames: make(chan received), cancel: cancel}
	go func() {
		for {
			frame, err := stream.Recv()
			tail.frames <- received{frame, err}
			if err != nil {
				return
			}
		}
	}()
	return tail
}

// read takes frames until the step's `until` is met; it says what is wrong, and what `save` picks from.
func (t *openTail) read(step *step) (string, any) {
	deadline := time.After(patience)
	events, last, content := []any{}, "", any(nil)
	ended := false
	var failed error
	for !ended && failed == nil && !met(step.Until, last, len(events)) {
		select {
		case <-deadline:
			return fmt.Sprintf("nothing met `until` in %v; the last frame was %s %s", patience, last, shown(content)), nil
		case got := <-t.frames:
			if got.err == io.EOF {
				ended = true
				continue
			}
			if got.err != nil {
				failed = got.err
				continue
			}
			if wrong := t.account(got.frame); wrong != "" {
				return wrong, nil
			}
			value, err := toValue(got.frame)
			if err != nil {
				return err.Error(), nil
			}
			for kind, inner := range value.(map[string]any) {
				last, content = kind, inner
			}
			if last == "events" {
				batch, _ := content.(map[string]any)["events"].([]any)
				events = append(events, batch...)
			}
		}
	}
	if failed != nil {
		if step.Error == nil {
			return fmt.Sprintf("the tail failed: %s", shown(failureOf(failed))), nil
		}
		if wrong := mismatch(step.Error, failureOf(failed), ""); wrong != "" || step.Events == nil {
			return wrong, nil
		}
		return mismatch(step.Events, any(events), "events"), nil
	}
	if step.Error != nil || ended != (step.Until == "end") {
		return fmt.Sprintf("the tail has ended: %v; the last frame was %s %s", ended, last, shown(content)), nil
	}
	if step.Frame != nil {
		if wrong := mismatch(step.Frame, content, "frame"); wrong != "" {
			return wrong, nil
		}
	}
	if step.Events != nil {
		if wrong := mismatch(step.Events, any(events), "events"); wrong != "" {
			return wrong, nil
		}
	}
	return "", map[string]any{"frame": content, "events": events}
}

// account checks that a range follows on the one before.
func (t *openTail) account(frame *pb.TailEventsResponse) string {
	var last *uint64
	switch kind := frame.Frame.(type) {
	case *pb.TailEventsResponse_Events:
		if t.accounted != nil && kind.Events.FirstSequence != *t.accounted+1 {
			return fmt.Sprintf("a gap: %d follows on %d", kind.Events.FirstSequence, *t.accounted)
		}
		last = &kind.Events.LastSequence
	case *pb.TailEventsResponse_CaughtUp:
		last = kind.CaughtUp.LastSequence
	case *pb.TailEventsResponse_Heartbeat:
		last = kind.Heartbeat.LastSequence
	case *pb.TailEventsResponse_Draining:
		last = kind.Draining.LastSequence
	}
	if last != nil {
		t.accounted = last
	}
	return ""
}

func met(until any, last string, events int) bool {
	if count, isCount := until.(float64); isCount {
		return events >= int(count)
	}
	return last == until
}
