package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

const maxAnswerBytes = 16 << 20

// Endpoint is one address of the server, with what it takes to be let in.
type Endpoint struct {
	Address         string `json:"address"`
	Token           string `json:"token"`
	CAFile          string `json:"ca_file"`
	CertificateFile string `json:"certificate_file"`
	KeyFile         string `json:"key_file"`
}

// Config is what the runner is told; see ../README.md.
type Config struct {
	Run       string              `json:"run"`
	Default   string              `json:"default"`
	Endpoints map[string]Endpoint `json:"endpoints"`
	Absent    map[string]string   `json:"absent"`
	Tokens    map[string]string   `json:"tokens"`
	Controls  []string            `json:"controls"`
}

func loadConfig(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	config := &Config{}
	return config, json.Unmarshal(data, config)
}

// Channels opens the connections when they are first used.
type Channels struct {
	config *Config
	open   map[string]*grpc.ClientConn
}

func newChannels(config *Config) *Channels {
	return &Channels{config, map[string]*grpc.ClientConn{}}
}

func (c *Channels) channel(name string) (*grpc.ClientConn, error) {
	if open, ok := c.open[name]; ok {
		return open, nil
	}
	opened, err := dial(c.config.Endpoints[name])
	if err == nil {
		c.open[name] = opened
	}
	return opened, err
}

// forget has the next call connect anew; tails keep the connection that they have.
func (c *Channels) forget() {
	c.open = map[string]*grpc.ClientConn{}
}

// authorized adds the endpoint's token, unless another is named.
func (c *Channels) authorized(ctx context.Context, name, as string) context.Context {
	if as == "" {
		as = c.config.Endpoints[name].Token
	}
	if as == "" || as == "nobody" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+c.config.Tokens[as])
}

func dial(endpoint Endpoint) (*grpc.ClientConn, error) {
	transport := insecure.NewCredentials()
	if endpoint.CAFile != "" {
		config, err := tlsConfig(endpoint)
		if err != nil {
			return nil, err
		}
		transport = credentials.NewTLS(config)
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswerBytes)),
	}
	if endpoint.CAFile == "" {
		options = append(options, grpc.WithAuthority("localhost"))
	}
	return grpc.NewClient(endpoint.Address, options...)
}

func tlsConfig(endpoint Endpoint) (*tls.Config, error) {
	authority, err := os.ReadFile(endpoint.CAFile)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	config.RootCAs.AppendCertsFromPEM(authority)
	if endpoint.CertificateFile != "" {
		pair, err := tls.LoadX509KeyPair(endpoint.CertificateFile, endpoint.KeyFile)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
