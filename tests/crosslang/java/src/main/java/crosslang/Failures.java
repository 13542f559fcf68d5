package crosslang;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.ResourceInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.ProtoUtils;

/** How a failed call is compared. */
final class Failures {
  private static final Metadata.Key<com.google.rpc.Status> DETAILS =
      Metadata.Key.of(
          "grpc-status-details-bin",
          ProtoUtils.metadataMarshaller(com.google.rpc.Status.getDefaultInstance()));

  private Failures() {}

  /** The failure of a call, with the code that it ended with. */
  static JsonObject ofCall(StatusRuntimeException error) throws InvalidProtocolBufferException {
    return ofCall(error.getStatus(), error.getTrailers());
  }

  /** The failure of a call that ended with this status and these trailers, if any. */
  static JsonObject ofCall(Status status, Metadata trailers) throws InvalidProtocolBufferException {
    com.google.rpc.Status details = trailers == null ? null : trailers.get(DETAILS);
    JsonObject failure = details == null ? new JsonObject() : ofStatus(details);
    failure.addProperty("code", status.getCode().name());
    String message = status.getDescription();
    failure.addProperty("message", message == null ? "" : message);
    return failure;
  }

  /** The failure of one commit of a stream. */
  static JsonObject ofStatus(com.google.rpc.Status status) throws InvalidProtocolBufferException {
    JsonObject failure = new JsonObject();
    failure.addProperty("code", Status.fromCodeValue(status.getCode()).getCode().name());
    failure.addProperty("message", status.getMessage());
    for (Any detail : status.getDetailsList()) {
      if (detail.is(ErrorInfo.class)) {
        addInfo(failure, detail.unpack(ErrorInfo.class));
      } else if (detail.is(BadRequest.class)) {
        JsonArray fields = new JsonArray();
        detail.unpack(BadRequest.class).getFieldViolationsList().forEach(violation -> fields.add(violation.getField()));
        failure.add("fields", fields);
      } else if (detail.is(ResourceInfo.class)) {
        ResourceInfo info = detail.unpack(ResourceInfo.class);
        JsonObject resource = new JsonObject();
        resource.addProperty("type", info.getResourceType());
        resource.addProperty("name", info.getResourceName());
        failure.add("resource", resource);
      } else if (detail.is(RetryInfo.class)) {
        failure.addProperty("retry", true);
      }
    }
    return failure;
  }

  private static void addInfo(JsonObject failure, ErrorInfo info) {
    failure.addProperty("domain", info.getDomain());
    failure.addProperty("reason", info.getReason());
    if (info.getMetadataCount() > 0) {
      JsonObject metadata = new JsonObject();
      info.getMetadataMap().forEach(metadata::addProperty);
      failure.add("metadata", metadata);
    }
  }
}
