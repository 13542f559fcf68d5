package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pb "sessiond.invalid/crosslang/generated/sessionstorev1"
)

const language = "go"

// A step of a scenario; see ../README.md for what each part means.
type step struct {
	Name           string            `json:"name"`
	On             string            `json:"on"`
	As             string            `json:"as"`
	Needs          string            `json:"needs"`
	DeadlineMS     int64             `json:"deadline_ms"`
	Unsupported    map[string]string `json:"unsupported"`
	Call           string            `json:"call"`
	Method         string            `json:"method"`
	Request        any               `json:"request"`
	RequestBase64  []byte            `json:"request_base64"`
	RawBase64      *string           `json:"raw_base64"`
	Expect         any               `json:"expect"`
	Error          any               `json:"error"`
	Save           map[string]string `json:"save"`
	Fragments      *fragments        `json:"fragments"`
	AnswerContains []byte            `json:"answer_contains_base64"`
	Write          []any             `json:"write"`
	Outcomes       any               `json:"outcomes"`
	Tail           string            `json:"tail"`
	Read           string            `json:"read"`
	Until          any               `json:"until"`
	Frame          any               `json:"frame"`
	Events         any               `json:"events"`
	Cancel         string            `json:"cancel"`
	Control        string            `json:"control"`
}

type fragments struct {
	AtLeast  int `json:"at_least"`
	MaxBytes int `json:"max_bytes"`
}

// A player plays the steps of one run, in order.
type player struct {
	config    *Config
	channels  *Channels
	variables map[string]string
	tails     map[string]*openTail
	answers   *bufio.Reader
}

func newPlayer(config *Config) *player {
	variables := map[string]string{"run": config.Run}
	return &player{config, newChannels(config), variables, map[string]*openTail{}, bufio.NewReader(os.Stdin)}
}

// play plays one step; it says what was wrong, and why the step was left out.
func (p *player) play(written any) (wrong, skipped string) {
	expanded, err := expand(written, p.variables)
	if err != nil {
		return err.Error(), ""
	}
	text, err := json.Marshal(expanded)
	if err != nil {
		return err.Error(), ""
	}
	step := &step{DeadlineMS: -1}
	if err := json.Unmarshal(text, step); err != nil {
		return err.Error(), ""
	}
	if why := step.Unsupported[language]; why != "" {
		return "", why
	}
	if why := p.config.Absent[step.On]; why != "" {
		return "", why
	}
	for _, needed := range []string{step.Needs, strings.Split(step.Control, " ")[0]} {
		if needed != "" && !slices.Contains(p.config.Controls, needed) {
			return "", "nobody is there to do to the server what this needs"
		}
	}
	if step.On == "" {
		step.On = p.config.Default
	}
	return p.perform(step), ""
}

func (p *player) perform(step *step) string {
	switch {
	case step.RawBase64 != nil:
		return p.sendRaw(step)
	case step.Call != "":
		return p.send(step)
	case step.Outcomes != nil:
		return p.write(step)
	case step.Tail != "":
		return p.open(step)
	case step.Read != "":
		wrong, found := p.tails[step.Read].read(step)
		return p.save(step, wrong, found)
	case step.Cancel != "":
		p.tails[step.Cancel].cancel()
		return ""
	case step.Control != "":
		return p.control(step.Control)
	}
	return "a step of no kind"
}

func (p *player) context(step *step) (context.Context, context.CancelFunc) {
	ctx := p.channels.authorized(context.Background(), step.On, step.As)
	if step.DeadlineMS < 0 && step.Tail != "" {
		return context.WithCancel(ctx)
	}
	if step.DeadlineMS < 0 {
		step.DeadlineMS = 30_000
	}
	return context.WithTimeout(ctx, time.Duration(step.DeadlineMS)*time.Millisecond)
}

func (p *player) send(step *step) string {
	call, err := callNamed(step.Call)
	if err != nil {
		return err.Error()
	}
	request := call.request.New().Interface()
	if err := fromValue(step.Request, request); err != nil {
		return err.Error()
	}
	if err := (proto.UnmarshalOptions{Merge: true}).Unmarshal(step.RequestBase64, request); err != nil {
		return err.Error()
	}
	channel, err := p.channels.channel(step.On)
	if err != nil {
		return err.Error()
	}
	ctx, cancel := p.context(step)
	defer cancel()
	answer, sizes, err := call.send(ctx, channel, request)
	if err != nil {
		return compareFailure(step, err)
	}
	found, err := toValue(answer)
	if err != nil {
		return err.Error()
	}
	if step.Error != nil {
		return fmt.Sprintf("expected a failure, got %.300s", shown(found))
	}
	wrong := mismatch(step.Expect, found, "")
	if encoded, err := proto.Marshal(answer); err != nil {
		wrong = err.Error()
	} else if wrong == "" && !bytes.Contains(encoded, step.AnswerContains) {
		wrong = "the bytes are not in the answer"
	}
	if want := step.Fragments; wrong == "" && want != nil {
		if largest := slices.Max(append(sizes, 0)); len(sizes) < want.AtLeast || largest > want.MaxBytes {
			wrong = fmt.Sprintf("%d fragments of at most %d bytes, expected %+v", len(sizes), largest, *want)
		}
	}
	return p.save(step, wrong, found)
}

func (p *player) sendRaw(step *step) string {
	request, err := base64.StdEncoding.DecodeString(*step.RawBase64)
	if err != nil {
		return err.Error()
	}
	path := step.Method
	if path == "" {
		call, err := callNamed(step.Call)
		if err != nil {
			return err.Error()
		}
		path = call.path
	}
	channel, err := p.channels.channel(step.On)
	if err != nil {
		return err.Error()
	}
	ctx, cancel := p.context(step)
	defer cancel()
	answer, err := sendRaw(ctx, channel, path, request)
	if err != nil {
		return compareFailure(step, err)
	}
	if step.Error != nil {
		return "expected a failure"
	}
	if !bytes.Contains(answer, step.AnswerContains) {
		return "the bytes are not in the answer"
	}
	return ""
}

func (p *player) write(step *step) string {
	channel, err := p.channels.channel(step.On)
	if err != nil {
		return err.Error()
	}
	ctx, cancel := p.context(step)
	defer cancel()
	stream, err := pb.NewSessionStoreServiceClient(channel).Write(ctx)
	if err != nil {
		return err.Error()
	}
	requests := []*pb.WriteRequest{}
	for _, value := range step.Write {
		request := &pb.WriteRequest{}
		if err := fromValue(value, request); err != nil {
			return err.Error()
		}
		requests = append(requests, request)
	}
	go sendAll(stream, requests)
	outcomes, failed := []any{}, error(nil)
	for failed == nil {
		response, err := stream.Recv()
		if failed = err; err != nil {
			break
		}
		for _, outcome := range response.Outcomes {
			value, err := outcomeValue(outcome)
			if err != nil {
				return err.Error()
			}
			outcomes = append(outcomes, value)
		}
	}
	wrong := mismatch(step.Outcomes, any(outcomes), "outcomes")
	switch {
	case wrong != "":
	case step.Error != nil && failed == io.EOF:
		wrong = "expected a failure of the stream"
	case step.Error != nil:
		wrong = mismatch(step.Error, failureOf(failed), "")
	case failed != io.EOF:
		wrong = fmt.Sprintf("the stream failed: %s", shown(failureOf(failed)))
	}
	return p.save(step, wrong, map[string]any{"outcomes": outcomes})
}

// sendAll sends without waiting for answers; when the stream breaks, receiving tells why.
func sendAll(stream grpc.BidiStreamingClient[pb.WriteRequest, pb.WriteResponse], requests []*pb.WriteRequest) {
	for _, request := range requests {
		if stream.Send(request) != nil {
			return
		}
	}
	_ = stream.CloseSend()
}

func outcomeValue(outcome *pb.CommitOutcome) (any, error) {
	if failed := outcome.GetError(); failed != nil {
		return map[string]any{"error": failureOfStatus(failed)}, nil
	}
	value, err := toValue(outcome.GetResult())
	return map[string]any{"result": value}, err
}

func (p *player) open(step *step) string {
	channel, err := p.channels.channel(step.On)
	if err != nil {
		return err.Error()
	}
	request := &pb.TailEventsRequest{}
	if err := fromValue(step.Request, request); err != nil {
		return err.Error()
	}
	ctx, cancel := p.context(step)
	stream, err := pb.NewSessionStoreServiceClient(channel).TailEvents(ctx, request)
	if err != nil {
		cancel()
		return err.Error()
	}
	p.tails[step.Tail] = newTail(stream, cancel)
	return ""
}

func (p *player) control(words string) string {
	fmt.Printf("control %s\n", words)
	answer, err := p.answers.ReadString('\n')
	if err != nil {
		return err.Error()
	}
	p.channels.forget()
	verdict, more, _ := strings.Cut(strings.TrimSpace(answer), " ")
	if verdict != "done" {
		return "the control failed: " + answer
	}
	if more == "" {
		return ""
	}
	changed := struct {
		Tokens map[string]string `json:"tokens"`
	}{}
	if err := json.Unmarshal([]byte(more), &changed); err != nil {
		return err.Error()
	}
	p.config.Tokens = changed.Tokens
	return ""
}

func (p *player) save(step *step, wrong string, found any) string {
	if wrong != "" {
		return wrong
	}
	for name, path := range step.Save {
		text, err := pick(found, path)
		if err != nil {
			return err.Error()
		}
		p.variables[name] = text
	}
	return ""
}

func compareFailure(step *step, err error) string {
	if step.Error == nil {
		return fmt.Sprintf("failed: %s", shown(failureOf(err)))
	}
	return mismatch(step.Error, failureOf(err), "")
}
