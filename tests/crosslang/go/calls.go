package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"reflect"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	pb "sessiond.invalid/crosslang/generated/sessionstorev1"
)

// A call of one of the services, by the method of its generated client.
type call struct {
	path        string
	isStreaming bool
	request     protoreflect.MessageType
	answer      protoreflect.MessageType
	name        string
	isAdmin     bool
}

// callNamed finds a call by its name, which is unique over both services.
func callNamed(name string) (*call, error) {
	services := []protoreflect.ServiceDescriptor{
		pb.File_sessionstore_v1_session_store_service_proto.Services().ByName("SessionStoreService"),
		pb.File_sessionstore_v1_admin_service_proto.Services().ByName("AdminService"),
	}
	for index, service := range services {
		method := service.Methods().ByName(protoreflect.Name(name))
		if method == nil {
			continue
		}
		request, err := protoregistry.GlobalTypes.FindMessageByName(method.Input().FullName())
		if err != nil {
			return nil, err
		}
		answer, err := protoregistry.GlobalTypes.FindMessageByName(method.Output().FullName())
		path := fmt.Sprintf("/%s/%s", service.FullName(), name)
		return &call{path, method.IsStreamingServer(), request, answer, name, index == 1}, err
	}
	return nil, fmt.Errorf("no call %s", name)
}

// send makes the call through the generated client, joins the answers of a stream, and tells their sizes.
func (c *call) send(ctx context.Context, channel *grpc.ClientConn, request proto.Message) (proto.Message, []int, error) {
	client := reflect.ValueOf(pb.NewSessionStoreServiceClient(channel))
	if c.isAdmin {
		client = reflect.ValueOf(pb.NewAdminServiceClient(channel))
	}
	results := client.MethodByName(c.name).Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(request)})
	if err, failed := results[1].Interface().(error); failed {
		return nil, nil, err
	}
	if !c.isStreaming {
		return results[0].Interface().(proto.Message), nil, nil
	}
	joined, sizes := c.answer.New().Interface(), []int{}
	receive := results[0].MethodByName("Recv")
	for {
		received := receive.Call(nil)
		if err, failed := received[1].Interface().(error); failed {
			if err == io.EOF {
				return joined, sizes, nil
			}
			return nil, nil, err
		}
		fragment := received[0].Interface().(proto.Message)
		sizes = append(sizes, proto.Size(fragment))
		proto.Merge(joined, fragment)
	}
}

// fromValue reads a message from its canonical JSON.
func fromValue(value any, message proto.Message) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return protojson.Unmarshal(text, message)
}

// toValue is a message in canonical JSON.
func toValue(message proto.Message) (any, error) {
	text, err := protojson.Marshal(message)
	if err != nil {
		return nil, err
	}
	var value any
	return value, json.Unmarshal(text, &value)
}

// A codec that sends and receives bytes as they are.
type rawCodec struct{}

func (rawCodec) Marshal(value any) ([]byte, error) { return value.([]byte), nil }

func (rawCodec) Unmarshal(data []byte, value any) error {
	*value.(*[]byte) = append([]byte(nil), data...)
	return nil
}

func (rawCodec) Name() string { return "proto" }

// sendRaw sends bytes to a path, and joins the bytes that come.
func sendRaw(ctx context.Context, channel *grpc.ClientConn, path string, request []byte) ([]byte, error) {
	description := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	stream, err := channel.NewStream(ctx, description, path, grpc.ForceCodec(rawCodec{}))
	if err != nil {
		return nil, err
	}
	// When the call has failed already, receiving tells why.
	if err := stream.SendMsg(request); err != nil && err != io.EOF {
		return nil, err
	}
	if err := stream.CloseSend(); err != nil {
		return nil, err
	}
	joined := []byte{}
	for {
		var answer []byte
		if err := stream.RecvMsg(&answer); err == io.EOF {
			return joined, nil
		} else if err != nil {
			return nil, err
		}
		joined = append(joined, answer...)
	}
}
