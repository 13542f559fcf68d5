// Writes to a session, or follows it: example write|tail ADDRESS SESSION
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	pb "sessiond.invalid/example/generated/sessionstorev1"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 || (os.Args[1] != "write" && os.Args[1] != "tail") {
		log.Fatal("usage: example write|tail ADDRESS SESSION")
	}
	channel, err := dial(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	if token := os.Getenv("SESSIOND_TOKEN"); token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	command := write
	if os.Args[1] == "tail" {
		command = follow
	}
	if err := command(ctx, pb.NewSessionStoreServiceClient(channel), os.Args[3]); err != nil {
		log.Fatal(err)
	}
}

func dial(address string) (*grpc.ClientConn, error) {
	if authority := os.Getenv("SESSIOND_TLS_CA"); authority != "" {
		transport, err := credentials.NewClientTLSFromFile(authority, "")
		if err != nil {
			return nil, err
		}
		return grpc.NewClient(address, grpc.WithTransportCredentials(transport))
	}
	// The path of a socket is no host name.
	return grpc.NewClient(
		address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithAuthority("localhost"),
	)
}

// write commits a message together with the event that announces it. It may be repeated: everything has an id.
func write(ctx context.Context, client pb.SessionStoreServiceClient, session string) error {
	if _, err := client.CreateSession(ctx, &pb.CreateSessionRequest{SessionId: &session}); err != nil {
		return err
	}
	text := &pb.AssistantContent{Kind: &pb.AssistantContent_Text{Text: "Hello."}}
	assistant := &pb.AssistantMessage{Content: []*pb.AssistantContent{text}}
	message := &pb.Message{Id: "hello", Role: &pb.Message_Assistant{Assistant: assistant}}
	complete := &pb.MessageComplete{Message: message, Model: "some-model"}
	event := &pb.Event{Kind: &pb.Event_MessageComplete{MessageComplete: complete}}
	announce := &pb.EventAppend{EventId: &message.Id, Event: event}
	answer, err := client.Commit(ctx, &pb.CommitRequest{SessionId: session, Mutations: []*pb.Mutation{
		{Kind: &pb.Mutation_AppendMessage{AppendMessage: message}},
		{Kind: &pb.Mutation_AppendEvent{AppendEvent: announce}},
	}})
	if err != nil {
		return err
	}
	fmt.Println("committed", answer.Results[1].GetAppendEvent().Sequence)
	return nil
}

// follow prints each event, until the session is deleted.
func follow(ctx context.Context, client pb.SessionStoreServiceClient, session string) error {
	return ResumingTail(ctx, client, session, nil, func(stored *pb.StoredEvent) error {
		kinds := stored.Event.ProtoReflect().Descriptor().Oneofs().ByName("kind")
		kind := stored.Event.ProtoReflect().WhichOneof(kinds)
		if kind == nil {
			return nil // of a newer client
		}
		_, err := fmt.Println(stored.Sequence, kind.Name())
		return err
	})
}
