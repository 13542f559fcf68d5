package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "sessiond.invalid/example/generated/sessionstorev1"
)

const (
	heartbeat    = 5 * time.Second
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
)

// HistoryTrimmedError says that the events after the cursor were deleted.
type HistoryTrimmedError struct{ FirstAvailableSequence uint64 }

func (e *HistoryTrimmedError) Error() string {
	return fmt.Sprintf("the oldest event is %d", e.FirstAvailableSequence)
}

var errDeleted = errors.New("the session was deleted")

// handlerError is of whoever takes the events. It may be a status of another service, and says nothing of the stream.
type handlerError struct{ error }

// ResumingTail hands on the events after last, or from the beginning, until the session is deleted. It goes on where it
// was over disconnects, restarts and crashes of the daemon, without a gap or a repeat.
func ResumingTail(
	ctx context.Context, client pb.SessionStoreServiceClient, session string, last *uint64, each func(*pb.StoredEvent) error,
) error {
	// No cursor names the place before the first event, at which a tail of an empty session waits.
	wasEmpty := false
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := tailOnce(ctx, client, session, &last, &wasEmpty, &pause, each)
		if failed, isHandler := err.(handlerError); isHandler {
			return failed.error
		}
		switch status.Code(err) {
		case codes.OK, codes.Unavailable, codes.Canceled:
			// A server that shuts down ends the calls that it has not begun with Canceled.
			if ctx.Err() != nil {
				return ctx.Err()
			}
		default:
			if err == errDeleted {
				return nil
			}
			return trimmed(err)
		}
		// Not all clients at once.
		time.Sleep(time.Duration(float64(pause) * (0.5 + rand.Float64())))
	}
}

func tailOnce(
	ctx context.Context, client pb.SessionStoreServiceClient, session string, last **uint64, wasEmpty *bool,
	pause *time.Duration, each func(*pb.StoredEvent) error,
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	request := &pb.TailEventsRequest{SessionId: session, HeartbeatIntervalSeconds: int32(heartbeat.Seconds())}
	if *last != nil {
		request.Start = &pb.TailEventsRequest_AfterSequence{AfterSequence: **last}
	}
	stream, err := client.TailEvents(ctx, request)
	if err != nil {
		return err
	}
	// Three heartbeats that are missing mean that the connection is dead; the stream then ends with Canceled.
	alive := time.AfterFunc(3*heartbeat, cancel)
	defer alive.Stop()
	for {
		frame, err := stream.Recv()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		*pause = firstPause
		alive.Stop() // whoever takes the events may take their time
		var accounted *uint64
		isEvents := false
		switch kind := frame.Frame.(type) {
		case *pb.TailEventsResponse_Events:
			if *last != nil && kind.Events.FirstSequence > **last+1 {
				return fmt.Errorf("event %d is missing", **last+1)
			}
			if *last == nil && *wasEmpty && kind.Events.FirstSequence > 0 {
				return &HistoryTrimmedError{kind.Events.FirstSequence}
			}
			for _, stored := range kind.Events.Events {
				if *last == nil || stored.Sequence > **last {
					if err := each(stored); err != nil {
						return handlerError{err}
					}
				}
			}
			isEvents, accounted = true, &kind.Events.LastSequence // it accounts for events that a filter left out, too
		case *pb.TailEventsResponse_CaughtUp:
			accounted = kind.CaughtUp.LastSequence
		case *pb.TailEventsResponse_Heartbeat:
			accounted = kind.Heartbeat.LastSequence
		case *pb.TailEventsResponse_Draining:
			accounted = kind.Draining.LastSequence
		case *pb.TailEventsResponse_SessionDeleted:
			return errDeleted
		}
		if *last == nil && *wasEmpty && !isEvents && accounted != nil {
			return &HistoryTrimmedError{*accounted + 1}
		}
		if accounted != nil {
			*last = accounted
		} else if frame.Frame != nil {
			*wasEmpty = true
		}
		alive.Reset(3 * heartbeat)
	}
}

func trimmed(err error) error {
	for _, detail := range status.Convert(err).Details() {
		if info, isInfo := detail.(*errdetails.ErrorInfo); isInfo && info.Reason == "HISTORY_TRIMMED" {
			first, parseError := strconv.ParseUint(info.Metadata["first_available_sequence"], 10, 64)
			return errors.Join(err, &HistoryTrimmedError{first}, parseError)
		}
	}
	return err
}
