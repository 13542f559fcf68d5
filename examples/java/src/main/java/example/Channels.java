package example;

import io.grpc.ClientInterceptor;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import io.grpc.stub.MetadataUtils;
import java.io.File;
import javax.net.ssl.SSLException;

/** Channels to a daemon. */
final class Channels {
  private static final int MAX_ANSWER_BYTES = 16 * 1024 * 1024;

  private Channels() {}

  /** A channel to `unix:PATH` or `HOST:PORT`; SESSIOND_TOKEN and SESSIOND_TLS_CA are for a port. */
  static ManagedChannel open(String address) throws SSLException {
    NettyChannelBuilder builder;
    if (address.startsWith("unix:")) {
      builder =
          NettyChannelBuilder.forAddress(new DomainSocketAddress(address.substring("unix:".length())))
              .overrideAuthority("localhost")
              .eventLoopGroup(new EpollEventLoopGroup(1, new DefaultThreadFactory("unix", true)))
              .channelType(EpollDomainSocketChannel.class, DomainSocketAddress.class);
    } else {
      builder = NettyChannelBuilder.forTarget(address);
    }
    String authority = System.getenv("SESSIOND_TLS_CA");
    if (authority == null) {
      builder.usePlaintext();
    } else {
      builder.sslContext(GrpcSslContexts.forClient().trustManager(new File(authority)).build());
    }
    String token = System.getenv("SESSIOND_TOKEN");
    if (token != null) {
      Metadata metadata = new Metadata();
      metadata.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
      ClientInterceptor sendsToken = MetadataUtils.newAttachHeadersInterceptor(metadata);
      builder.intercept(sendsToken);
    }
    return builder.maxInboundMessageSize(MAX_ANSWER_BYTES).build();
  }
}
