package crosslang;

import io.grpc.Channel;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.stub.MetadataUtils;
import java.io.File;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;

/** The channels, opened when they are first used. */
final class Endpoints implements AutoCloseable {
  private static final int MAX_ANSWER_BYTES = 16 * 1024 * 1024;
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final Config config;
  private final Map<String, ManagedChannel> channels = new HashMap<>();
  private final List<ManagedChannel> opened = new ArrayList<>();

  // Netty wants a group of its own kind for domain sockets.
  private EpollEventLoopGroup domainLoops;

  Endpoints(Config config) {
    this.config = config;
  }

  /** A channel to the endpoint that sends its token, or the one of that name, with each call. */
  Channel channel(String name, String token) throws SSLException {
    ManagedChannel channel = channels.get(name);
    if (channel == null) {
      channel = open(config.endpoints.get(name));
      channels.put(name, channel);
      opened.add(channel);
    }
    String wanted = token != null ? token : config.endpoints.get(name).get("token");
    if (wanted == null || wanted.equals("nobody")) {
      return channel;
    }
    Metadata metadata = new Metadata();
    metadata.put(AUTHORIZATION, "Bearer " + config.tokens.get(wanted));
    ClientInterceptor sendsToken = MetadataUtils.newAttachHeadersInterceptor(metadata);
    return ClientInterceptors.intercept(channel, sendsToken);
  }

  /** Has the next call connect anew; calls that are open, as of tails, go on. */
  void forget() {
    channels.values().forEach(ManagedChannel::shutdown);
    channels.clear();
  }

  @Override
  public void close() throws InterruptedException {
    opened.forEach(ManagedChannel::shutdownNow);
    for (ManagedChannel channel : opened) {
      channel.awaitTermination(5, TimeUnit.SECONDS);
    }
    if (domainLoops != null) {
      domainLoops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }
  }

  private ManagedChannel open(Map<String, String> endpoint) throws SSLException {
    String address = endpoint.get("address");
    NettyChannelBuilder builder;
    if (address.startsWith("unix:")) {
      if (domainLoops == null) {
        domainLoops = new EpollEventLoopGroup(1);
      }
      builder =
          NettyChannelBuilder.forAddress(new DomainSocketAddress(address.substring("unix:".length())))
              .overrideAuthority("localhost")
              .eventLoopGroup(domainLoops)
              .channelType(EpollDomainSocketChannel.class, DomainSocketAddress.class);
    } else {
      builder = NettyChannelBuilder.forTarget(address);
    }
    if (endpoint.containsKey("ca_file")) {
      var tls = GrpcSslContexts.forClient().trustManager(new File(endpoint.get("ca_file")));
      if (endpoint.containsKey("certificate_file")) {
        tls.keyManager(new File(endpoint.get("certificate_file")), new File(endpoint.get("key_file")));
      }
      builder.sslContext(tls.build());
    } else {
      builder.usePlaintext();
    }
    // The steps count calls; a retry of the library's own would blur what the server answered.
    return builder.maxInboundMessageSize(MAX_ANSWER_BYTES).disableRetry().build();
  }
}
