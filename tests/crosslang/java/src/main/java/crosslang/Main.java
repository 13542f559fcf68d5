package crosslang;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.RuntimeVersion;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** The commands of the runner; see ../README.md. */
public final class Main {
  // Lines are flushed one by one, since somebody may wait for each.
  private static final PrintStream OUT =
      new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);

  private Main() {}

  public static void main(String[] arguments) throws Exception {
    String command = arguments.length == 0 ? "" : arguments[0];
    List<String> rest = Arrays.asList(arguments).subList(Math.min(1, arguments.length), arguments.length);
    int code = 0;
    if (command.equals("run") && !rest.isEmpty()) {
      code = run(Config.load(rest.get(0)), rest.subList(1, rest.size())) ? 0 : 1;
    } else if (command.equals("write-corpus") && rest.size() == 2) {
      Corpus.write(Config.load(rest.get(0)), rest.get(1));
    } else if (command.equals("read-corpus") && rest.size() == 2) {
      Corpus.read(Config.load(rest.get(0)), rest.get(1), OUT);
    } else if (command.equals("bench") && rest.size() == 1) {
      OUT.println(Bench.measure(Config.load(rest.get(0))));
    } else if (command.equals("versions") && rest.isEmpty()) {
      OUT.println(versions());
    } else {
      System.err.println("usage: runner run|write-corpus|read-corpus|bench|versions …; see tests/crosslang/README.md");
      code = 2;
    }
    System.exit(code);
  }

  private static boolean run(Config config, List<String> files) throws Exception {
    boolean good = true;
    try (Player player = new Player(config, OUT)) {
      for (String file : files) {
        String stem = Path.of(file).getFileName().toString().replaceFirst("\\.[^.]*$", "");
        for (JsonElement step : JsonParser.parseString(Files.readString(Path.of(file))).getAsJsonArray()) {
          good &= play(player, stem, step.getAsJsonObject());
        }
      }
    }
    return good;
  }

  private static boolean play(Player player, String stem, JsonObject step) {
    String name = stem + "/" + step.get("name").getAsString();
    String reason = player.reasonToSkip(step);
    if (reason != null) {
      OUT.println("skip " + name + ": " + reason);
      return true;
    }
    String wrong;
    try {
      wrong = player.play(step);
    } catch (Exception error) {
      // A step that cannot be played has failed.
      wrong = error.toString();
    }
    OUT.println(wrong == null ? "ok " + name : "FAIL " + name + ": " + wrong.replaceAll("\\s+", " "));
    return wrong == null;
  }

  private static JsonObject versions() {
    JsonObject versions = new JsonObject();
    versions.addProperty("language", "Java " + Runtime.version().feature());
    // The build writes it into the manifest, since grpc-java does not tell.
    versions.addProperty("grpc", "grpc-java " + Main.class.getPackage().getSpecificationVersion());
    String protobuf =
        RuntimeVersion.OSS_MAJOR + "." + RuntimeVersion.OSS_MINOR + "." + RuntimeVersion.OSS_PATCH;
    versions.addProperty("protobuf", "protobuf-java " + protobuf);
    return versions;
  }
}
