// The runner of the conformance kit in Go; see ../README.md.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	pb "sessiond.invalid/crosslang/generated/sessionstorev1"
)

func main() {
	good, err := command(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if !good {
		os.Exit(1)
	}
}

func command(arguments []string) (bool, error) {
	if len(arguments) == 1 && arguments[0] == "versions" {
		return true, printVersions()
	}
	if len(arguments) < 2 {
		return false, fmt.Errorf("usage: runner run|write-corpus|read-corpus|bench|versions …")
	}
	config, err := loadConfig(arguments[1])
	if err != nil {
		return false, err
	}
	switch verb, rest := arguments[0], arguments[2:]; {
	case verb == "run":
		return runAll(config, rest)
	case verb == "write-corpus" && len(rest) == 1:
		return true, writeCorpus(config, rest[0])
	case verb == "read-corpus" && len(rest) == 1:
		return true, readCorpus(config, rest[0])
	case verb == "bench":
		return true, bench(config)
	}
	return false, fmt.Errorf("no command %v", arguments)
}

func runAll(config *Config, files []string) (bool, error) {
	player, good := newPlayer(config), true
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return false, err
		}
		var steps []map[string]any
		if err := json.Unmarshal(data, &steps); err != nil {
			return false, err
		}
		for _, step := range steps {
			name := fmt.Sprintf("%s/%s", strings.TrimSuffix(filepath.Base(file), ".json"), step["name"])
			switch wrong, skipped := player.play(step); {
			case skipped != "":
				fmt.Printf("skip %s: %s\n", name, skipped)
			case wrong != "":
				good = false
				fmt.Printf("FAIL %s: %s\n", name, strings.Join(strings.Fields(wrong), " "))
			default:
				fmt.Printf("ok %s\n", name)
			}
		}
	}
	return good, nil
}

func writeCorpus(config *Config, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var events []json.RawMessage
	if err := json.Unmarshal(data, &events); err != nil {
		return err
	}
	channels := newChannels(config)
	channel, err := channels.channel(config.Default)
	if err != nil {
		return err
	}
	ctx := channels.authorized(context.Background(), config.Default, "")
	client, sessionID := pb.NewSessionStoreServiceClient(channel), config.Run+"-corpus"
	if _, err := client.CreateSession(ctx, &pb.CreateSessionRequest{SessionId: &sessionID}); err != nil {
		return err
	}
	for index, text := range events {
		event := &pb.Event{}
		if err := protojson.Unmarshal(text, event); err != nil {
			return err
		}
		eventID := fmt.Sprintf("c%d", index)
		request := &pb.AppendEventRequest{SessionId: sessionID, EventId: &eventID, Event: event}
		if _, err := client.AppendEvent(ctx, request); err != nil {
			return err
		}
	}
	return nil
}

func readCorpus(config *Config, sessionID string) error {
	channels := newChannels(config)
	channel, err := channels.channel(config.Default)
	if err != nil {
		return err
	}
	ctx := channels.authorized(context.Background(), config.Default, "")
	client := pb.NewSessionStoreServiceClient(channel)
	stream, err := client.GetEvents(ctx, &pb.GetEventsRequest{SessionId: sessionID})
	if err != nil {
		return err
	}
	for {
		fragment, err := stream.Recv()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		for _, stored := range fragment.Events {
			request := &pb.AppendEventRequest{SessionId: sessionID, EventId: stored.EventId, Event: stored.Event}
			answer, err := client.AppendEvent(ctx, request)
			if err != nil && status.Code(err) != codes.AlreadyExists {
				return err
			}
			verdict := "different"
			if answer.GetAlreadyExisted() {
				verdict = "same"
			}
			fmt.Println(stored.Sequence, verdict)
		}
	}
}

func printVersions() error {
	versions := map[string]string{"language": "Go " + strings.TrimPrefix(runtime.Version(), "go")}
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		switch module.Path {
		case "google.golang.org/grpc":
			versions["grpc"] = "grpc-go " + module.Version
		case "google.golang.org/protobuf":
			versions["protobuf"] = "protobuf-go " + module.Version
		}
	}
	return json.NewEncoder(os.Stdout).Encode(versions)
}
